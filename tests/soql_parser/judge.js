// Judges SOQL with Salesforce's own parser: one JSON string a line in, one JSON verdict a line out.
"use strict";

const { createInterface } = require("node:readline");
const { CommonTokenStream } = require("antlr4ts");
const soql = require("@salesforce/soql-common/lib/soql-parser/soql-parser");
const { SoqlLexer } = require("@salesforce/soql-common/lib/soql-parser/generated/SoqlLexer");

const parser = soql.SOQLParser({ isApex: false, isMultiCurrencyEnabled: true, apiVersion: 60.0 });

// The parser prints what its lexer refuses and goes on, so a second pass listens to the lexer.
function lexerErrors(query) {
  const errors = [];
  const lexer = new SoqlLexer(new soql.LowerCasingCharStream(query));
  lexer.removeErrorListeners();
  lexer.addErrorListener({
    syntaxError: (_recognizer, _symbol, line, column, message) =>
      errors.push({ line, column, message }),
  });
  new CommonTokenStream(lexer).fill();
  return errors;
}

function parserErrors(query) {
  const result = parser.parseQuery(query);
  if (result.getSuccess()) return [];
  return result.getParserErrors().map((error) => ({
    line: error.getLineNumber(),
    column: error.getCharacterPositionInLine(),
    message: error.getMessage(),
  }));
}

console.error = () => {}; // the parser's own lexer prints there what lexerErrors returns

createInterface({ input: process.stdin, terminal: false }).on("line", (line) => {
  const query = JSON.parse(line);
  const errors = [...lexerErrors(query), ...parserErrors(query)];
  process.stdout.write(`${JSON.stringify({ accepted: errors.length === 0, errors })}\n`);
});
