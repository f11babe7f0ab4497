using System.Collections.Immutable;
using Agora.Nano.Exercises;

namespace Agora.Nano.Texts;

/// <summary>A text in the making: the choices that a constraint can settle beforehand, the rest left to chance.</summary>
internal sealed class TextPlan
{
    public static readonly ImmutableArray<string> Openers = ["Today", "Now", "Once", "Soon", "Maybe", "Here", "Then"];
    public static readonly ImmutableArray<string> Determiners = ["the", "a", "my"];
    public static readonly ImmutableArray<string> Adjectives = ["old", "small", "big", "red", "happy", "sad", "young", "brave", "kind", "white"];
    public static readonly ImmutableArray<string> Verbs = ["runs", "sleeps", "sings", "plays", "waits", "jumps", "sits", "walks", "eats", "looks"];
    public static readonly ImmutableArray<string> Endings = ["again", "alone", "slowly", "outside", "at home", "at night", "all day", "in the park", "by the sea", "on the hill", "in the rain"];
    public static readonly ImmutableArray<string> Doubled = ["very", "so", "really"];

    public required string Noun { get; init; }
    public string? Opener { get; set; }
    public string? Determiner { get; set; }
    public string? Adjective { get; set; }
    public string? Ending { get; set; }
    public string? Repeated { get; set; }
    public int Repetitions { get; set; }
    /// <summary>Further verbs, with commas between them.</summary>
    public int ListedVerbs { get; set; }
    public int Sentences { get; set; } = 1;
    public char Mark { get; set; } = '.';
    public bool Quoted { get; set; }
    public bool Upper { get; set; }
    public bool Lower { get; set; }

    public string Write(RandomStream random)
    {
        var sentences = new string[Sentences];
        for (var i = 0; i < Sentences; i++)
            sentences[i] = Sentence(random, i == 0, i == Sentences - 1);
        var text = string.Join(' ', sentences);
        if (Upper)
            text = text.ToUpperInvariant();
        if (Lower)
            text = text.ToLowerInvariant();
        return Quoted ? $"\"{text}\"" : text;
    }

    private string Sentence(RandomStream random, bool first, bool last)
    {
        var words = new List<string>();
        var opener = first ? Opener ?? (random.Chance(0.2) ? random.Pick(Openers) : null) : null;
        if (opener is not null)
            words.Add(opener);
        words.Add(first || random.Chance(0.5) ? Determiner ?? random.Pick(Determiners) : "it");
        if (words[^1] != "it")
        {
            if (first && Adjective is not null)
                words.Add(Adjective);
            for (var more = random.Next(3); more > 0; more--)
                words.Add(random.Pick(Adjectives));
            words.Add(Noun);
        }
        if (first && Repeated is not null)
        {
            words.Add("is");
            for (var i = 0; i < Repetitions; i++)
                words.Add(Repeated);
            words.Add(random.Pick(Adjectives));
        }
        else
        {
            words.Add(random.Pick(Verbs));
            if (first && ListedVerbs > 0)
            {
                words[^1] += ",";
                for (var i = 1; i < ListedVerbs; i++)
                    words.Add(random.Pick(Verbs) + ",");
                words.Add("and");
                words.Add(random.Pick(Verbs));
            }
        }
        var ending = last ? Ending ?? (random.Chance(0.5) ? random.Pick(Endings) : null) : random.Chance(0.4) ? random.Pick(Endings) : null;
        if (ending is not null)
            words.Add(ending);
        var sentence = string.Join(' ', words);
        return char.ToUpperInvariant(sentence[0]) + sentence[1..] + (last ? Mark : '.');
    }
}
