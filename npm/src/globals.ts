/**
 * Types that a runtime's own declarations may lack: they differ between TypeScript's DOM, `@types/node` and Workers.
 *
 * What is there is used; so programs type against this package with any of these, and with TypeScript 4.9, which
 * does not know of `using` yet.
 */

type Globals = typeof globalThis;

/** The class of this name, if there is one. */
type Instance<Name extends string> = Globals extends { [name in Name]: { prototype: infer T } } ? T : never;

/** A `WebAssembly.Module`. */
export type WasmModule = Globals extends { WebAssembly: { Module: { prototype: infer T } } } ? T : object;
/** A `CryptoKey`, which Node's types have in a namespace of their own. */
export type WebCryptoKey = Globals extends { crypto: { subtle: { encrypt(algorithm: never, key: infer T, data: never): unknown } } } ? T : object;
/** A `Response` of `fetch`. */
export type FetchResponse = Instance<'Response'>;
/** A `URL`. */
export type WebUrl = Instance<'URL'>;
/** Bytes, as WebAssembly and WebCrypto take them. */
export type ByteSource = ArrayBuffer | ArrayBufferView;

declare global {
  // The same as in TypeScript's `esnext.disposable`, which not every program has: they are merged.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}
