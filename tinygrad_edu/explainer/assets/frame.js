// What a frame does when its page is there. What is around it, a notebook or a web page, tells the page whether it is light or dark,
// as its words are, again whenever that may have changed; the page answers how high it is, and its title.
const tell = () => {
  const ink = getComputedStyle(this.parentElement).color.match(/[\d.]+/g).map(Number);
  this.contentWindow?.postMessage({ scheme: ink[0] + ink[1] + ink[2] > 382 ? "dark" : "light" }, "*");
};
window.addEventListener("message", ({ source, data }) => {
  if (source !== this.contentWindow) return;
  this.style.height = `${data.height}px`;
  this.title = data.title;
});
const looks = new MutationObserver(tell);
for (const place of [document.documentElement, document.body]) looks.observe(place, { attributes: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
tell();
