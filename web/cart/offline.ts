/**
 * Has the service worker keep the page for a device without a network. Where the page is not secure there is none, and
 * where the browser forbids it, the page goes on without: it is only not there when its server is not.
 */
export function keepForOffline(): void {
  const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer }
  serviceWorker?.register('./service-worker.js', { updateViaCache: 'none' }).catch(() => {})
}
