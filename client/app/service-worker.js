/**
 * Keeps the page's files in the browser, so that the page opens without a network. Files of one release stay together: a new one is
 * fetched whole beside the old one, and takes over when the last page of the old one is gone or when a page without a ride says so.
 * Plain JS: a worker has other globals than a page, and is no part of the bundle.
 */
importScripts('offline-files.js');

const { release, files } = self.offlineFiles;
const prefix = 'trackstand-page-';
const cacheName = prefix + release;

self.addEventListener('install', (event) => {
  event.waitUntil(keepFiles());
});
self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});
self.addEventListener('message', (event) => {
  if (event.data === 'take-over') void self.skipWaiting();
});
self.addEventListener('fetch', (event) => {
  const name = fileOf(event.request);
  // What is not the page's file is none of this worker's business: sessions, accounts, health.
  if (name !== undefined) event.respondWith(answer(name, event.request));
});

/** Past the browser's own cache, which may hold a file of another release under the same name. */
async function keepFiles() {
  const cache = await caches.open(cacheName);
  await cache.addAll(files.map((name) => new Request(name, { cache: 'reload' })));
}

async function forgetOthers() {
  const names = await caches.keys();
  const others = names.filter((name) => name.startsWith(prefix) && name !== cacheName);
  await Promise.all(others.map((name) => caches.delete(name)));
}

function fileOf({ method, url }) {
  const { scope } = self.registration;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || !(origin + pathname).startsWith(scope)) return undefined;
  const name = (origin + pathname).slice(scope.length) || 'index.html';
  return files.includes(name) ? name : undefined;
}

async function answer(name, request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(name)) ?? fetch(request);
}
