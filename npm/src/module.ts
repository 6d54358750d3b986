/** The WebAssembly module: compiled once, instantiated once per engine. Each runtime's entry brings it here. */

import type { ByteSource, FetchResponse, WasmModule, WebUrl } from './globals.js';

let compiled: WasmModule | undefined;
let loading: Promise<void> | undefined;
let load: (() => Promise<WasmModule | ByteSource | FetchResponse>) | undefined;

/** What `init` takes: a compiled module, its bytes, a response that brings them, or where to fetch them. */
export type ModuleSource = WasmModule | ByteSource | FetchResponse | WebUrl | string;

function isModule(source: object): source is WasmModule {
  // A module may come from another realm (edge sandboxes, vm), where `instanceof` fails.
  return source instanceof WebAssembly.Module || Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
}

/** Gives the engine's module at once; `Engine.openSync` works from then on. */
export function initSync(source: WasmModule | ByteSource): void {
  compiled ??= isModule(source) ? source : new WebAssembly.Module(source as BufferSource);
}

/** Gives the engine's module, fetching and compiling it if need be. Only `redstart/slim` needs this call. */
export async function init(source: ModuleSource | Promise<ModuleSource>): Promise<void> {
  if (compiled) return;
  let from = await source;
  if (typeof from === 'string' || from instanceof URL) from = await fetch(from);
  if (typeof Response === 'function' && from instanceof Response) {
    if (!from.ok) throw new Error(`redstart: ${from.url} answers ${from.status} ${from.statusText}`);
    const copy = from.clone();
    try {
      compiled = await WebAssembly.compileStreaming(from);
    } catch (error) {
      // A server that does not know the type application/wasm. Anything else fails again below.
      if (!(error instanceof TypeError)) throw error;
      compiled = await WebAssembly.compile(await copy.arrayBuffer());
    }
    return;
  }
  compiled = isModule(from as object) ? (from as WasmModule) : await WebAssembly.compile(from as BufferSource);
}

/** How this runtime finds the module at the first `open()`. @internal */
export function setLoader(loader: NonNullable<typeof load>): void {
  load = loader;
}

/** Waits until the module is there. */
export async function ready(): Promise<void> {
  if (compiled) return;
  if (!load) throw new Error('redstart: call init(module, bytes or URL of redstart/engine.wasm) first');
  loading ??= load().then(init);
  try {
    await loading;
  } finally {
    loading = undefined;
  }
}

/** The module, which must be there. @internal */
export function moduleNow(): WasmModule {
  if (!compiled) throw new Error('redstart: the engine is not loaded yet: use await Engine.open()');
  return compiled;
}
