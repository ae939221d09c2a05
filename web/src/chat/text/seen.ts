// Whether a thing has come near what is on the screen: what costs something is done only then.
import { useEffect, useRef, useState } from "preact/hooks";

export function useSeen<T extends Element>(): [{ current: T | null }, boolean] {
  const place = useRef<T | null>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!place.current) return;
    const watch = new IntersectionObserver((all) => all.some((one) => one.isIntersecting) && setSeen(true), { rootMargin: "400px" });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  return [place, seen];
}
