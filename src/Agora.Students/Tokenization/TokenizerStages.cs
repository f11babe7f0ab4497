using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>Makes a tokenizer's normalizers, pre-tokenizers and decoders from their descriptions in tokenizer.json.</summary>
internal static class TokenizerStages
{
    public static TextNormalizer Normalizer(JsonAt at) => at["type"].Text() switch
    {
        "Sequence" => new NormalizerSequence([.. at["normalizers"].Items().Select(Normalizer)]),
        "NFC" => new CanonicalForm(composed: true),
        "NFD" => new CanonicalForm(composed: false),
        "NFKC" => new CompatibilityForm(composed: true),
        "NFKD" => new CompatibilityForm(composed: false),
        "Lowercase" => new LowerCase(),
        "Prepend" => new PrependText(at["prepend"].Text()),
        "Replace" => Replace(at),
        "Strip" => new StripEnds(at["strip_left"].Flag(), at["strip_right"].Flag()),
        var other => throw at.Unsupported($"a normalizer of type {other}"),
    };

    public static PreTokenizer PreTokenizer(JsonAt at) => at["type"].Text() switch
    {
        "Sequence" => PreTokenizerSequence(at),
        "ByteLevel" => new ByteLevelSplit(at["add_prefix_space"].Flag(absent: true), at["use_regex"].Flag(absent: true)),
        "Split" => new PatternSplit(Pattern(at["pattern"]), Behavior(at["behavior"]), at["invert"].Flag()),
        "Digits" => new DigitSplit(at["individual_digits"].Flag()),
        "Punctuation" => new PatternSplit(new CharacterPattern(CharacterPattern.IsPunctuation), at["behavior"].Exists ? Behavior(at["behavior"]) : SplitBehavior.Isolated, invert: false),
        "WhitespaceSplit" => new PatternSplit(new CharacterPattern(Rune.IsWhiteSpace), SplitBehavior.Removed, invert: false),
        "Whitespace" => new PatternSplit(new WordPattern(), SplitBehavior.Removed, invert: true),
        "CharDelimiterSplit" => new PatternSplit(SplitPattern.FromText(Character(at["delimiter"]).ToString()), SplitBehavior.Removed, invert: false),
        "BertPreTokenizer" => new PreTokenizerSequence([
            new PatternSplit(new CharacterPattern(Rune.IsWhiteSpace), SplitBehavior.Removed, invert: false),
            new PatternSplit(new CharacterPattern(CharacterPattern.IsPunctuation), SplitBehavior.Isolated, invert: false)]),
        "Metaspace" => new Metaspace(Mark(at), Scheme(at), at["split"].Flag(absent: true)),
        var other => throw at.Unsupported($"a pre-tokenizer of type {other}"),
    };

    /// <summary>Whether the pieces are spelled in bytes in the end.</summary>
    public static bool EndsInBytes(JsonAt at) => at["type"].Text() switch
    {
        "ByteLevel" => true,
        "Sequence" => at["pretokenizers"].Items().Select(EndsInBytes).LastOrDefault(),
        _ => false,
    };

    public static Func<IReadOnlyList<DecoderStage>> Decoder(JsonAt at)
    {
        if (!at.Exists)
            return () => [new SpaceBetweenTokens()];
        var makers = new List<Func<DecoderStage>>();
        AddDecoder(at, makers, isLast: true);
        return () => [.. makers.Select(make => make())];
    }

    /// <summary>Refuses replacements that, one after the other, could make a text many times as long: a few dozen that double it would fill any memory.</summary>
    public static void CheckGrowth(JsonAt at, string members)
    {
        const double MostGrowth = 1024;
        var growth = 1.0;
        Multiply(at);
        if (growth > MostGrowth)
            throw at.Fault($"has replacements that can make a text more than {MostGrowth} times as long");

        void Multiply(JsonAt stage)
        {
            if (!stage.Exists)
                return;
            if (stage["type"].Text() == "Sequence")
            {
                foreach (var step in stage[members].Items())
                    Multiply(step);
            }
            else if (stage["type"].Text() == "Replace")
            {
                var shortest = stage["pattern"]["String"] is { Exists: true } text ? Math.Max(1, text.Text().Length) : 1;
                growth *= Math.Max(1, stage["content"].Text().Length / (double)shortest);
            }
        }
    }

    private static PreTokenizerSequence PreTokenizerSequence(JsonAt at)
    {
        var steps = at["pretokenizers"].Items().ToList();
        // Later steps would have to see the bytes' stand-ins; no public model asks for that.
        if (steps.SkipLast(1).FirstOrDefault(EndsInBytes) is { Exists: true } early)
            throw early.Unsupported("a ByteLevel pre-tokenizer before another one");
        return new PreTokenizerSequence([.. steps.Select(PreTokenizer)]);
    }

    private static void AddDecoder(JsonAt at, List<Func<DecoderStage>> makers, bool isLast)
    {
        switch (at["type"].Text())
        {
            case "Sequence":
                AddDecoders([.. at["decoders"].Items()], makers, isLast);
                break;
            case "ByteLevel":
                makers.Add(() => new ByteLevelDecoding());
                if (!isLast)
                    makers.Add(() => new FuseDecoding());
                break;
            case "ByteFallback":
                makers.Add(() => new ByteFallbackDecoding());
                break;
            case "Replace":
                var replace = Replace(at);
                makers.Add(() => new ReplaceDecoding(replace));
                break;
            case "Fuse":
                if (!isLast)      // at the end, all is joined anyway
                    makers.Add(() => new FuseDecoding());
                break;
            case "Strip":
                var (content, start, stop) = (Character(at["content"]), at["start"].Number(), at["stop"].Number());
                makers.Add(() => new StripDecoding(content, start, stop));
                break;
            case "Metaspace":
                var (mark, scheme) = (Mark(at), Scheme(at));
                makers.Add(() => new MetaspaceDecoding(mark, scheme));
                break;
            case var other:
                throw at.Unsupported($"a decoder of type {other}");
        }
    }

    private static void AddDecoders(IReadOnlyList<JsonAt> steps, List<Func<DecoderStage>> makers, bool isLast)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            // Llama 2 ends in Fuse and a Strip of one leading space; done together, the text can be streamed.
            var strips = isLast && i == steps.Count - 2 && steps[i]["type"].Text() == "Fuse" && steps[i + 1]["type"].Text() == "Strip" && steps[i + 1]["stop"].Number() == 0;
            if (!strips)
            {
                AddDecoder(steps[i], makers, isLast && i == steps.Count - 1);
                continue;
            }
            var (content, start) = (Character(steps[i + 1]["content"]), steps[i + 1]["start"].Number());
            makers.Add(() => new StripStartDecoding(content, start));
            return;
        }
    }

    private static ReplacePattern Replace(JsonAt at) => new(Pattern(at["pattern"]), at["content"].Text());

    private static SplitPattern Pattern(JsonAt at)
    {
        if (at["String"] is { Exists: true } text)
            return SplitPattern.FromText(text.Text());
        var pattern = at["Regex"].Text();
        try
        {
            return SplitPattern.FromRegex(pattern);
        }
        catch (ArgumentException exception)
        {
            throw at.Unsupported($"the regular expression {pattern} ({exception.Message})");
        }
    }

    private static SplitBehavior Behavior(JsonAt at) => at.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw at.Unsupported($"the split behavior {other}"),
    };

    private static char Mark(JsonAt at) => Character(at["replacement"]);

    private static char Character(JsonAt at) => at.Text() is [var character] && !char.IsSurrogate(character) ? character : throw at.Fault("must be one character");

    /// <summary>Newer files name the scheme; older ones say whether there is to be a space in front.</summary>
    private static PrependScheme Scheme(JsonAt at) => at["prepend_scheme"].Text(absent: at["add_prefix_space"].Flag(absent: true) ? "always" : "never") switch
    {
        "always" => PrependScheme.Always,
        "first" => PrependScheme.First,
        "never" => PrependScheme.Never,
        var other => throw at["prepend_scheme"].Unsupported($"the prepend scheme {other}"),
    };
}
