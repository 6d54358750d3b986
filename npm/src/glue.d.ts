/** The build wraps wasm-bindgen's glue in a function, so that every engine has an instance of its own. */
declare module '#glue' {
  export interface Native {
    input(bytes: number): number;
    address(): number;
    output(): number;
    output_bytes(): number;
    connect(address: string, unixMs: number, monoMs: number): number;
    disconnect(connection: number, unixMs: number, monoMs: number): void;
    poll(unixMs: number, monoMs: number): number;
    timeout(unixMs: number, monoMs: number): void;
    deadline(): number;
    used_memory(): number;
    wasm_memory(): number;
    connections(): number;
    dump(unixMs: number, monoMs: number): number;
    begin_base(unixMs: number, monoMs: number): boolean;
    base_piece(budget: number, unixMs: number, monoMs: number): number;
    end_base(isStored: boolean, unixMs: number, monoMs: number): void;
    replay(bytes: number, unixMs: number, monoMs: number): number;
    journal_failed(reason: string, unixMs: number, monoMs: number): void;
    load(bytes: number, unixMs: number, monoMs: number): void;
    changes(): number;
    free(): void;
  }
  export interface Instance {
    Engine: new (seed: Uint8Array, config: string, unixMs: number, monoMs: number) => Native;
    memory: WebAssembly.Memory;
    call(address: number, connection: number, bytes: number, unixMs: number, monoMs: number, wantsDeadline: boolean): number;
  }
  export function instantiate(module: WebAssembly.Module): Instance;
}
