import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      // The bundler reads these as text too.
      name: 'sql-and-lua-as-text',
      enforce: 'pre',
      transform: (code, id) =>
        /\.(sql|lua)$/.test(id)
          ? { code: `export default ${JSON.stringify(code)};`, map: null }
          : undefined,
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/services/global-setup.ts'],
    // Bounds that only end what hangs: a busy machine may need several times what a machine at rest does.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000, interval: 50 } },
  },
});
