using System.Collections.Immutable;
using System.Globalization;
using Agora.Nano.Exercises;

namespace Agora.Nano.Texts;

/// <summary>Instruction following: one or two sentences about an animal or a person, under constraints that a program can check.</summary>
internal sealed class TextDomain : NanoDomain
{
    private static readonly ImmutableArray<string> Openings = ["Write a short text", "Tell me a line", "Give me some words", "Make a small text"];

    public override Domain Domain => Domain.InstructionFollowing;

    public override ImmutableArray<string> Themes { get; } =
    [
        "dog", "cat", "bird", "fish", "horse", "girl", "boy", "king", "bear", "fox", "frog", "duck",
        "cow", "mouse", "baby", "man", "queen", "lion", "sheep", "goat", "pig", "bee", "wolf", "hen",
    ];

    /// <summary>The first word of every instruction.</summary>
    public static ImmutableArray<string> OpeningWords { get; } = [.. Openings.Select(o => o[..o.IndexOf(' ', StringComparison.Ordinal)])];

    protected override Exercise Draw(RandomStream random, Breadth breadth, string? theme)
    {
        var noun = theme ?? random.Pick(Themes);
        while (true)
        {
            var plan = new TextPlan { Noun = noun };
            var constraints = new List<TextConstraint> { new("contains", noun, 0, $"with the word {noun}.") };
            var further = breadth == Breadth.Narrow ? random.Next(2) : random.NextDouble() switch { < 0.1 => 0, < 0.6 => 1, _ => 2 };
            for (var i = 0; i < further; i++)
                constraints.Add(Constrain(plan, random, breadth));
            if (constraints.Select(c => c.Kind + c.Value).Distinct().Count() <= further)
                continue;
            // Some constraints contradict each other; what no draw out of many satisfies is asked of nobody.
            for (var attempt = 0; attempt < 60; attempt++)
            {
                var text = plan.Write(random);
                if (constraints.All(c => c.Holds(text)))
                {
                    var opening = breadth == Breadth.Narrow ? Openings[0] : random.Pick(Openings);
                    return new TextTask(noun, opening, [.. constraints], further == 0 ? $"{opening}." : $"{opening} with the word {noun}.", text, careless => new TextPlan { Noun = careless.Chance(0.3) ? careless.Pick(Themes) : noun }.Write(careless));
                }
            }
        }
    }

    public override string RawText(RandomStream random)
    {
        if (random.Chance(0.7))
            return string.Join('\n', Enumerable.Range(0, random.Between(1, 2)).Select(_ => ((TextTask)Write(random, Part.Corpus)).Annotated));
        var noun = random.Pick(Themes);
        var sentences = new string[random.Between(2, 4)];
        for (var i = 0; i < sentences.Length; i++)
        {
            var plan = new TextPlan { Noun = noun };
            if (random.Chance(0.2))
                plan.Quoted = true;
            if (random.Chance(0.1))
                plan.Upper = true;
            else if (random.Chance(0.1))
                plan.Lower = true;
            if (random.Chance(0.15))
                plan.ListedVerbs = random.Between(2, 3);
            else if (random.Chance(0.15))
                (plan.Repeated, plan.Repetitions) = (random.Pick(TextPlan.Doubled), random.Between(1, 3));
            if (random.Chance(0.1))
                plan.Mark = random.Chance(0.5) ? '!' : '?';
            sentences[i] = plan.Write(random);
        }
        return string.Join(' ', sentences);
    }

    /// <summary>Draws a constraint and settles in the plan what it asks for.</summary>
    private static TextConstraint Constrain(TextPlan plan, RandomStream random, Breadth breadth)
    {
        switch (breadth == Breadth.Narrow ? random.Between(3, 5) : random.Next(12))
        {
            case 0 or 1:
                return Counted("word_count", random.Between(3, 9), "Use exactly {0} words.");
            case 2:
                plan.Sentences = random.Between(1, 3);
                return Counted("sentence_count", plan.Sentences, plan.Sentences == 1 ? "Use exactly {0} sentence." : "Use exactly {0} sentences.");
            case 3:
                plan.Opener = random.Pick(TextPlan.Openers);
                return new("starts_with", plan.Opener, 0, $"Start with {plan.Opener}.");
            case 4:
                plan.Adjective = random.Pick(TextPlan.Adjectives);
                return new("contains", plan.Adjective, 0, $"Use the word {plan.Adjective}.");
            case 5:
                if (random.Chance(0.3))
                {
                    plan.Mark = random.Chance(0.5) ? '!' : '?';
                    return new("ends_with", plan.Mark.ToString(), 0, $"End with {plan.Mark}");
                }
                plan.Ending = random.Pick(TextPlan.Endings);
                return new("ends_with", $"{plan.Ending}.", 0, $"End with {plan.Ending}.");
            case 6:
                var banned = random.Pick(TextPlan.Determiners);
                plan.Determiner = random.Pick([.. TextPlan.Determiners.Where(d => d != banned)]);
                return new("not_contains", banned, 0, $"Do not use the word {banned}.");
            case 7:
                plan.Lower = true;
                return new("all_lowercase", null, 0, "Use only small letters.");
            case 8:
                plan.Upper = true;
                return new("all_uppercase", null, 0, "Use only capital letters.");
            case 9:
                plan.Quoted = true;
                return new("quoted", null, 0, "Put it in quotes.");
            case 10:
                plan.ListedVerbs = random.Between(2, 4);
                return Counted("comma_count", plan.ListedVerbs, "Use exactly {0} commas.");
            default:
                (plan.Repeated, plan.Repetitions) = (random.Pick(TextPlan.Doubled), random.Between(2, 4));
                return new("repeated_word", plan.Repeated, plan.Repetitions, Text($"Use the word {plan.Repeated} {plan.Repetitions} times."));
        }
    }

    private static TextConstraint Counted(string kind, int count, string phrase) =>
        new(kind, null, count, string.Format(CultureInfo.InvariantCulture, phrase, count));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
