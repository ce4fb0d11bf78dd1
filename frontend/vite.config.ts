import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const out = '../xplatform/console/built';
/** where `npm run dev` finds a running server */
const server = process.env.XPLATFORM_ENDPOINT ?? 'http://127.0.0.1:9997';

export default defineConfig({
  base: '/ui/',
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  plugins: [react(), compressed(), budget(250)],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    // How much the first page may weigh is looked at by ourselves.
    chunkSizeWarningLimit: 1000,
    outDir: out,
    emptyOutDir: true,
    target: 'es2022',
    manifest: true,
    assetsInlineLimit: 0,
    // What every page needs is one file: sixty small ones take longer, and bring what they share with others.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'frame', tags: ['$initial'] }] } } },
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/v1', '/docs', '/admin', '/oauth', '/sso', '/static', '/status'].map((path) => [
        path,
        { target: server },
      ]),
    ),
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
  },
});

/** Each file compressed once, at the build, instead of at each request. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const path of files(out)) {
        if (!/\.(js|css|svg|json|html)$/.test(path)) continue;
        const content = readFileSync(path);
        if (content.length < 1000) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content));
      }
    },
  };
}

/**
 * The first page must load quickly: a build whose first route loads more script than this until it is whole
 * fails. What comes with a press (menus, the palette, other pages) is not of it.
 */
function budget(kilobytes: number): Plugin {
  return {
    name: 'budget',
    apply: 'build',
    generateBundle(_, bundle) {
      const first = new Set<string>();
      const add = (name: string) => {
        const chunk = bundle[name];
        if (first.has(name) || chunk?.type !== 'chunk') return;
        first.add(name);
        for (const other of chunk.imports) add(other);
      };
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        const of = chunk.facadeModuleId ?? '';
        const isHome = /pages\/home\/HomePage/.test(of);
        if (chunk.isEntry || isHome || /@mantine\/notifications/.test(of)) add(chunk.fileName);
        if (isHome) for (const later of chunk.dynamicImports) add(later);
      }
      let bytes = 0;
      for (const name of first) {
        const chunk = bundle[name];
        if (chunk?.type === 'chunk') bytes += brotliCompressSync(chunk.code).length;
      }
      const shown = `${(bytes / 1000).toFixed(0)} kB of script, compressed, for the first route`;
      if (bytes > kilobytes * 1000) this.error(`${shown}: more than the ${kilobytes} kB it may be`);
      process.stdout.write(`${shown}\n`);
    },
  };
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}
