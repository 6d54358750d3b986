/**
 * Where things are. Tests import the package by its name: it is the one installed beside a copy of this folder when
 * `test/run.mjs` runs them, and this source tree's when a file is run by hand.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The repository's folder `npm/`, for its tools and for what is no part of the package. */
export const source = process.env.REDSTART_NPM ?? fileURLToPath(new URL('..', import.meta.url));
export const repository = fileURLToPath(new URL('..', pathToFileURL(source)));
/** The package's folder `dist/`. */
export const dist = new URL('.', import.meta.resolve('redstart'));
/** The folder that `test/` is in. */
export const root = fileURLToPath(new URL('..', import.meta.url));
/** A program of a package that the tests use. */
export const bin = (name) => `${source}node_modules/.bin/${name}`;
