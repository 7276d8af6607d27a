#!/bin/sh
# Types, lint and unit tests of the front end, as far as this machine has what they need; says plainly what is left out.
set -eu
cd "$(dirname "$0")"

left_out() {
    echo "The front end is not checked: $1." >&2
    exit 0
}

command -v npm >/dev/null || left_out "npm is not there (on Debian: apt-get install nodejs npm)"
npm ls --all >/dev/null 2>&1 ||
    npm ci --no-audit --no-fund --prefer-offline --fetch-retries=1 --fetch-timeout=60000 >/dev/null 2>&1 ||
    left_out "npm ci did not get its packages"
npm run --silent check
needed='const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)'
if node -e "$needed"; then
    npm test --silent
else
    echo "The front end's unit tests are left out: they need Node.js 20.19 or newer, this is $(node --version)." >&2
fi
