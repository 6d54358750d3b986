import 'redstart/worker';
