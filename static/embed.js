// Looks again every half minute while the app's page is looked at. Without this file the page loads itself again.
const refresh = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
  } catch {
    // The next turn tries again; what is shown was true a moment ago.
  }
};
setInterval(refresh, 30_000);
document.addEventListener("visibilitychange", refresh);
