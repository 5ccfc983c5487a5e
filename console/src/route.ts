// The address behind the `#`: which page, and its filters. It never holds personal data, because browsers remember it.

import { useEffect, useState } from "preact/hooks";

export interface Route {
  path: string[];
  filters: URLSearchParams;
}

function read(): Route {
  const [path = "", filters] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  return { path: parts.map(decode), filters: new URLSearchParams(filters) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

/** The link to a page: `to(["lead", form, id])`. */
export function to(path: string[], filters: Record<string, string> = {}): string {
  const given = Object.entries(filters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query && `?${query}`}`;
}
