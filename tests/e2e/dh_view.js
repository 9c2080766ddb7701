// SPDX-License-Identifier: MIT
// dh_view.js VIEWER FILE: loads a file with the code of valgrind's DHAT viewer (its dh_view.js) and
// prints, as JSON, what the page shows and what the root of its tree sums up to. As much of a
// browser is here as that code uses.
const fs = require("fs");
const vm = require("vm");

class Element {
  constructor(tag) {
    Object.assign(this, {tag, className: "", text: "", childNodes: [], parentNode: null});
  }
  appendChild(child) {
    child.parentNode = this;
    this.childNodes.push(child);
    return child;
  }
  cloneNode() {
    return Object.assign(new Element(this.tag), {className: this.className});
  }
  replaceChild(fresh, old) {
    this.childNodes[this.childNodes.indexOf(old)] = fresh;
    fresh.parentNode = this;
  }
  set textContent(text) {
    this.text = text;
    this.childNodes = [];
  }
  get textContent() {
    return this.text + this.childNodes.map(child => child.textContent).join("");
  }
  get selectedIndex() {
    return this.childNodes.findIndex(option => option.selected);
  }
  find(className) {
    const own = this.className.split(" ").includes(className) ? [this] : [];
    return own.concat(...this.childNodes.map(child => child.find(className)));
  }
}

class Text extends Element {
  constructor(text) {
    super("#text");
    this.text = text;
  }
}

class FileReader {
  readAsText(file) {
    this.onload({target: {result: fs.readFileSync(file.name, "utf8")}});
  }
}

const [viewer, file] = process.argv.slice(2);
const document = {
  title: "",
  location: {search: ""},
  body: new Element("body"),
  createElement: tag => new Element(tag),
  createTextNode: text => new Text(text),
};
const context = vm.createContext({document, FileReader, URLSearchParams, performance, Intl});
vm.runInContext(fs.readFileSync(viewer, "utf8"), context, {filename: viewer});
context.chosen = [{name: file}];
vm.runInContext("onLoad(); gInput.files = chosen;", context);
let thrown = null;
try {
  vm.runInContext("loadFile();", context);
} catch (error) {
  thrown = String(error);
}
console.log(JSON.stringify({
  thrown,
  errors: document.body.find("error").map(element => element.textContent),
  shown: document.body.textContent,
  root: vm.runInContext("gRoot", context),
}));
