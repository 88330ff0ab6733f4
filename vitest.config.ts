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
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
