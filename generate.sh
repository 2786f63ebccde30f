#!/usr/bin/env bash
# From the contract to the client: openapi.yaml -> generated/payt_api/ and generated/payt_resources/.
#
#   ./generate.sh            generate
#   ./generate.sh --check    say whether generated/ is what the contract gives; changes nothing, exits 1 and shows the diff where not
#   ./generate.sh --help     all options
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/environment.sh
case " $* " in
*" -h "* | *" --help "*)
    find_python
    exec "$python" -B codegen/options.py --help
    ;;
esac
environment .venv-codegen codegen/requirements.txt >&2
exec .venv-codegen/bin/python codegen/generate.py "$@"
