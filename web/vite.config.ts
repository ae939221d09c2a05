// The studio as files that any server can hand out: hashed names, nothing inline, no source maps.
// With `npm run dev` the page asks a server that runs beside it (genloom serve --port 8000).
import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../genloom/studio/site",
    emptyOutDir: true,
    assetsDir: "studio",
    assetsInlineLimit: 0, // the policy allows no inline fonts
    modulePreload: { polyfill: false },
    target: "es2023",
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8000", "/health": "http://127.0.0.1:8000" } },
});
