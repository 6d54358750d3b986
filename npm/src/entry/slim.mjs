// Without the engine: call init(module, bytes, response or URL) first.
export * from '../index.js';
