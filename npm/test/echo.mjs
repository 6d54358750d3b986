// A SharedWorker that only sends back what it gets: what a round trip takes without an engine.
onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => port.postMessage(data);
};
