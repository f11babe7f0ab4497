using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Agora.Benchmarks;

/// <summary>A demand on a text that a program can check without judgement.</summary>
/// <remarks>
/// Written in benchmark files as <c>{"kind": "word_count", "value": 5}</c>. Texts are trimmed before every check, and an empty text
/// meets no constraint: who writes nothing has not avoided the forbidden word. Letters compare by code point, without a culture.
/// </remarks>
public abstract record VerifiableConstraint
{
    private protected VerifiableConstraint() { }

    /// <summary>The name in benchmark files.</summary>
    public abstract string Kind { get; }

    public bool IsMetBy(string text)
    {
        var trimmed = text.AsSpan().Trim();
        return trimmed.Length > 0 && Holds(trimmed);
    }

    /// <param name="text">Trimmed, not empty.</param>
    private protected abstract bool Holds(ReadOnlySpan<char> text);

    /// <summary>The constraint as a reader of samples sees it: <c>word_count 5</c>.</summary>
    public abstract override string ToString();

    /// <summary>Exactly so many words; a word is a run without white space that holds a letter or digit.</summary>
    public sealed record WordCount(int Value) : VerifiableConstraint
    {
        public override string Kind => "word_count";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.CountWords(text) == Value;
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The text begins with exactly this; where it ends in a letter or digit, the word ends there too (<c>The</c> is not met by <c>There</c>).</summary>
    public sealed record StartsWith(string Value) : VerifiableConstraint
    {
        public override string Kind => "starts_with";
        private protected override bool Holds(ReadOnlySpan<char> text) =>
            text.StartsWith(Value, StringComparison.Ordinal)
            && (text.Length == Value.Length || !char.IsLetterOrDigit(Value[^1]) || !char.IsLetterOrDigit(text[Value.Length]));
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The text's last characters are exactly these.</summary>
    public sealed record EndsWith(string Value) : VerifiableConstraint
    {
        public override string Kind => "ends_with";
        private protected override bool Holds(ReadOnlySpan<char> text) => text.EndsWith(Value, StringComparison.Ordinal);
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The word or phrase occurs at least once as a whole, in any case.</summary>
    public sealed record Contains(string Value) : VerifiableConstraint
    {
        public override string Kind => "contains";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.CountWhole(text, Value) > 0;
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The word or phrase does not occur as a whole, in any case.</summary>
    public sealed record NotContains(string Value) : VerifiableConstraint
    {
        public override string Kind => "not_contains";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.CountWhole(text, Value) == 0;
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>At least one letter, none of them a capital.</summary>
    public sealed record AllLowercase : VerifiableConstraint
    {
        public override string Kind => "all_lowercase";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.Any(text, char.IsLetter) && !WrittenText.Any(text, char.IsUpper);
        public override string ToString() => Kind;
    }

    /// <summary>At least one letter, all of them capitals.</summary>
    public sealed record AllUppercase : VerifiableConstraint
    {
        public override string Kind => "all_uppercase";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.Any(text, char.IsLetter) && !WrittenText.Any(text, char.IsLower);
        public override string ToString() => Kind;
    }

    /// <summary>Exactly so many sentences; see <see cref="WrittenText.CountSentences"/>.</summary>
    public sealed record SentenceCount(int Value) : VerifiableConstraint
    {
        public override string Kind => "sentence_count";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.CountSentences(text) == Value;
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The first and the last character are straight double quotes, with something between them.</summary>
    public sealed record Quoted : VerifiableConstraint
    {
        public override string Kind => "quoted";
        private protected override bool Holds(ReadOnlySpan<char> text) => text.Length > 2 && text[0] == '"' && text[^1] == '"';
        public override string ToString() => Kind;
    }

    /// <summary>Exactly so many commas.</summary>
    public sealed record CommaCount(int Value) : VerifiableConstraint
    {
        public override string Kind => "comma_count";
        private protected override bool Holds(ReadOnlySpan<char> text) => text.Count(',') == Value;
        public override string ToString() => Shown(Kind, Value);
    }

    /// <summary>The word occurs exactly so many times as a whole, in any case.</summary>
    public sealed record RepeatedWord(string Value, int Count) : VerifiableConstraint
    {
        public override string Kind => "repeated_word";
        private protected override bool Holds(ReadOnlySpan<char> text) => WrittenText.CountWhole(text, Value) == Count;
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} \"{Value}\" {Count}");
    }

    /// <summary>Every kind with how it is read; the key is the name in benchmark files.</summary>
    private static readonly ImmutableSortedDictionary<string, Func<Members, VerifiableConstraint>> Readers =
        new Dictionary<string, Func<Members, VerifiableConstraint>>
        {
            ["word_count"] = m => new WordCount(m.Number("value", minimum: 1)),
            ["starts_with"] = m => new StartsWith(m.Text("value")),
            ["ends_with"] = m => new EndsWith(m.Text("value")),
            ["contains"] = m => new Contains(m.Text("value")),
            ["not_contains"] = m => new NotContains(m.Text("value")),
            ["all_lowercase"] = _ => new AllLowercase(),
            ["all_uppercase"] = _ => new AllUppercase(),
            ["sentence_count"] = m => new SentenceCount(m.Number("value", minimum: 1)),
            ["quoted"] = _ => new Quoted(),
            ["comma_count"] = m => new CommaCount(m.Number("value", minimum: 0)),
            ["repeated_word"] = m => new RepeatedWord(m.Text("value"), m.Number("count", minimum: 1)),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public static ImmutableArray<string> Kinds { get; } = [.. Readers.Keys];

    /// <param name="fault">Told everything that is wrong with the constraint.</param>
    /// <returns>Null where there was a fault.</returns>
    internal static VerifiableConstraint? Read(JsonElement json, Action<string> fault)
    {
        var members = new Members(json, fault);
        var kind = members.Text("kind");
        if (members.Faulty)
            return null;
        if (!Readers.TryGetValue(kind, out var read))
        {
            fault($"no constraint is of kind \"{kind}\"; there are {string.Join(", ", Kinds)}");
            return null;
        }
        var constraint = read(members);
        members.RefuseOthers();
        return members.Faulty ? null : constraint;
    }

    private static string Shown(string kind, int value) => string.Create(CultureInfo.InvariantCulture, $"{kind} {value}");

    private static string Shown(string kind, string value) => $"{kind} \"{value}\"";

    /// <summary>The members of a constraint, each of which must be asked for: what nobody asks for is a misspelling.</summary>
    private sealed class Members(JsonElement json, Action<string> fault)
    {
        private readonly HashSet<string> asked = new(StringComparer.Ordinal);

        public bool Faulty { get; private set; }

        public string Text(string name)
        {
            asked.Add(name);
            if (json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !string.IsNullOrWhiteSpace(text))
                return text;
            Refuse($"a constraint needs \"{name}\", a text that is not empty");
            return "";
        }

        public int Number(string name, int minimum)
        {
            asked.Add(name);
            if (json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= minimum)
                return number;
            Refuse(string.Create(CultureInfo.InvariantCulture, $"a constraint of kind \"{json.GetProperty("kind").GetString()}\" needs \"{name}\", a whole number from {minimum}"));
            return 0;
        }

        public void RefuseOthers()
        {
            foreach (var member in json.EnumerateObject().Where(member => !asked.Contains(member.Name)))
                Refuse($"a constraint of kind \"{json.GetProperty("kind").GetString()}\" has no member \"{member.Name}\"");
        }

        private void Refuse(string what)
        {
            Faulty = true;
            fault(what);
        }
    }
}
