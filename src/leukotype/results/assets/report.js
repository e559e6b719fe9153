(function () {
  "use strict";

  // logLevel 1: errors only.  ast: expressions are interpreted, so the content policy can forbid eval.
  var options = { actions: false, renderer: "svg", ast: true, logLevel: 1, tooltip: { theme: "light" } };

  function draw(figure) {
    var target = figure.querySelector(".live");
    var spec = JSON.parse(document.getElementById(figure.dataset.spec).textContent);
    vegaEmbed(target, spec, options).then(
      function () { figure.classList.add("drawn"); },
      function (problem) { console.warn("The static picture is kept: " + problem); }
    );
  }

  // A figure is drawn when it comes near the viewport: drawing all at once would block the page.
  var near = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) {
        near.unobserve(entry.target);
        draw(entry.target);
      }
    });
  }, { rootMargin: "600px 0px" });
  document.querySelectorAll("figure[data-spec]").forEach(function (figure) { near.observe(figure); });

  // On a narrow screen the open contents would hide the summary.
  var contents = document.querySelector(".contents details");
  var wide = window.matchMedia("(min-width: 70rem)");
  function fold() { contents.open = wide.matches; }
  wide.addEventListener("change", fold);
  fold();

  var links = {};
  document.querySelectorAll(".contents a").forEach(function (link) {
    links[link.getAttribute("href").slice(1)] = link;
  });
  var current = null;
  var read = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) { return; }
      if (current) { current.removeAttribute("aria-current"); }
      current = links[entry.target.id];
      current.setAttribute("aria-current", "true");
    });
  }, { rootMargin: "-10% 0px -75% 0px" });
  Object.keys(links).forEach(function (name) {
    var target = document.getElementById(name);
    if (target) { read.observe(target); }
  });
})();
