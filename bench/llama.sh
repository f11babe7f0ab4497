#!/usr/bin/env bash
# Decoding against llama.cpp: restores the peer (NuGet's LLamaSharp.Backend.Cpu, which holds libllama), builds in Release, measures. Arguments: threads, rounds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/Agora.Bench.Llama"
if ! dotnet restore -v quiet; then
    echo "the peer is missing: NuGet packages LLamaSharp and LLamaSharp.Backend.Cpu 0.30.0 could not be restored" >&2
    exit 1
fi
dotnet build -c Release --no-restore -v quiet
exec dotnet bin/Release/net10.0/Agora.Bench.Llama.dll "$@"
