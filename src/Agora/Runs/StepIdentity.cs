using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Agora.Runs;

/// <summary>Name of a step's result in the store, <c>train-3fa9…</c>: equal keys mean equal results.</summary>
/// <param name="Value">The step's kind, a hyphen, 64 hexadecimal digits.</param>
public readonly record struct StepKey(string Value)
{
    /// <summary>Enough of the key to tell it from its neighbours.</summary>
    public string Abbreviated => Value[..Math.Min(Value.Length, Value.LastIndexOf('-') + 11)];

    /// <summary>What the step does.</summary>
    public string Kind => Value[..Value.LastIndexOf('-')];

    public static bool IsKey(string text)
    {
        var hyphen = text.LastIndexOf('-');
        return hyphen > 0 && text.Length == hyphen + 65 && text.AsSpan(hyphen + 1).IndexOfAnyExcept(HexDigits) < 0;
    }

    public override string ToString() => Value;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
}

/// <summary>Everything that decides what a step's result is; nothing else may.</summary>
public sealed record StepIdentity
{
    public StepIdentity(string kind, string version, JsonObject parameters, ImmutableArray<StepKey> inputs)
    {
        Kind = kind;
        Version = version;
        Parameters = parameters;
        Inputs = inputs;
        Key = new StepKey($"{kind}-{Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(ToJson())))}");
    }

    /// <summary>What the step does, in lower case: generate, train, answer, grade.</summary>
    public string Kind { get; }
    /// <summary>Changes when the step's code would give another result for the same parameters and inputs.</summary>
    public string Version { get; }
    /// <summary>Contents, not places: a file counts with its hash, a model with its identity.</summary>
    public JsonObject Parameters { get; }
    /// <summary>Keys of the results that the step reads, in the order in which it takes them.</summary>
    public ImmutableArray<StepKey> Inputs { get; }
    public StepKey Key { get; }
    /// <summary>Who is asked: completions of the same models are looked for among those of other steps. Null where none are worth keeping. No part of the key.</summary>
    public string? Asked { get; init; }

    /// <summary>The four members that the key is the SHA-256 of.</summary>
    public JsonObject ToJson() => new()
    {
        ["kind"] = Kind,
        ["version"] = Version,
        ["parameters"] = Parameters.DeepClone(),
        ["inputs"] = new JsonArray([.. Inputs.Select(input => (JsonNode)input.Value)]),
    };
}
