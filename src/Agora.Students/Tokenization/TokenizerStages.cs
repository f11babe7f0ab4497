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
        "StripAccents" => new StripMarks(onlyNonSpacing: false),
        "BertNormalizer" => BertNormalizer(at),
        "Nmt" => new NmtCleaning(),
        "Precompiled" => Precompiled(at["precompiled_charsmap"]),
        "ByteLevel" => new ByteSpelling(),
        var other => throw at.Unsupported($"a normalizer of type {other}"),
    };

    public static PreTokenizer PreTokenizer(JsonAt at) => at["type"].Text() switch
    {
        "Sequence" => PreTokenizerSequence(at),
        "ByteLevel" => new ByteLevelSplit(at["add_prefix_space"].Flag(absent: true), at["use_regex"].Flag(absent: true)),
        "Split" => new PatternSplit(Pattern(at["pattern"]), Behavior(at["behavior"]), at["invert"].Flag()),
        "Digits" => new DigitSplit(at["individual_digits"].Flag()),
        "Punctuation" => new PatternSplit(new CharacterPattern(ReferenceCategories.IsPunctuation), at["behavior"].Exists ? Behavior(at["behavior"]) : SplitBehavior.Isolated, invert: false),
        "WhitespaceSplit" => new PatternSplit(new CharacterPattern(Rune.IsWhiteSpace), SplitBehavior.Removed, invert: false),
        "Whitespace" => new PatternSplit(new WordPattern(), SplitBehavior.Removed, invert: true),
        "FixedLength" => new FixedLengthSplit(at["length"].Exists ? at["length"].Number() is > 0 and var length ? length : throw at["length"].Fault("must be above 0") : 5),
        "CharDelimiterSplit" or "Delimiter" => new PatternSplit(SplitPattern.FromText(Character(at["delimiter"]).ToString()), SplitBehavior.Removed, invert: false),
        "BertPreTokenizer" => BertRules.Words(),
        "Metaspace" => new Metaspace(Mark(at), Scheme(at), at["split"].Flag(absent: true)),
        var other => throw at.Unsupported($"a pre-tokenizer of type {other}"),
    };

    /// <summary>Whether the pieces are spelled in bytes by the last stage.</summary>
    public static bool EndsInBytes(JsonAt at) => at["type"].Text() switch
    {
        "ByteLevel" => true,
        "Sequence" => at["pretokenizers"].Items().Select(EndsInBytes).LastOrDefault(),
        _ => false,
    };

    /// <summary>Whether a normalizer or pre-tokenizer spells the text in bytes.</summary>
    /// <param name="members">The steps of a sequence.</param>
    public static bool SpellsInBytes(JsonAt at, string members) => at.Exists && at["type"].Text() switch
    {
        "ByteLevel" => true,
        "Sequence" => at[members].Items().Any(step => SpellsInBytes(step, members)),
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

    /// <summary>Refuses stages that, one after the other, could make a text many times as long: a few dozen that double it would fill any memory.</summary>
    /// <param name="members">The steps of a sequence.</param>
    public static void CheckGrowth(JsonAt at, string members)
    {
        const double MostGrowth = 1024;
        var growth = 1.0;
        Multiply(at);
        if (growth > MostGrowth)
            throw at.Fault($"has steps that can make a text more than {MostGrowth} times as long");

        void Multiply(JsonAt stage)
        {
            if (!stage.Exists)
                return;
            if (stage["type"].Text() != "Sequence")
                growth *= Growth(stage);
            else
                foreach (var step in stage[members].Items())
                    Multiply(step);
        }
    }

    private static double Growth(JsonAt stage)
    {
        switch (stage["type"].Text())
        {
            case "Replace":
                var shortest = stage["pattern"]["String"] is { Exists: true } text ? Math.Max(1, text.Text().Length) : 1;
                return Math.Max(1, stage["content"].Text().Length / (double)shortest);
            case "Prepend":
                return Math.Max(1, stage["prepend"].Text().Length);
            case "Precompiled":
                return Precompiled(stage["precompiled_charsmap"]).MostGrowth;
            case "NFKC" or "NFKD":
                return 18;         // U+FDFA
            case "NFD" or "BertNormalizer" or "ByteLevel":
                return 3;
            case "Metaspace":
                return 2;          // a mark before every piece
            default:
                return 1;
        }
    }

    private static PreTokenizerSequence PreTokenizerSequence(JsonAt at)
    {
        var steps = new List<PreTokenizer>();
        var items = at["pretokenizers"].Items().ToList();
        foreach (var (index, item) in items.Index())
        {
            steps.Add(PreTokenizer(item));
            // After the last step, spelling in bytes is the model's part.
            if (index < items.Count - 1 && EndsInBytes(item))
                steps.Add(new SpellInBytes());
        }
        return new PreTokenizerSequence(steps);
    }

    private static NormalizerSequence BertNormalizer(JsonAt at)
    {
        var lowers = at["lowercase"].Flag(absent: true);
        return new BertRules(lowers, at["strip_accents"].Flag(absent: lowers), at["handle_chinese_chars"].Flag(absent: true), at["clean_text"].Flag(absent: true)).Normalizer();
    }

    private static PrecompiledCharacters Precompiled(JsonAt at)
    {
        try
        {
            return new PrecompiledCharacters(Convert.FromBase64String(at.Text()));
        }
        catch (FormatException exception)
        {
            throw at.Fault($"is no table of SentencePiece in base 64 ({exception.Message})");
        }
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
            case "WordPiece":
                var (continuing, cleansWords) = (at["prefix"].Text(absent: "##"), at["cleanup"].Flag(absent: true));
                makers.Add(() => new WordPieceDecoding(continuing, cleansWords));
                break;
            case "CTC":
                var (padding, delimiter, cleans) = (at["pad_token"].Text(absent: "<pad>"), at["word_delimiter_token"].Text(absent: "|"), at["cleanup"].Flag(absent: true));
                makers.Add(() => new CtcDecoding(padding, delimiter, cleans));
                break;
            case "BPEDecoder":
                var suffix = at["suffix"].Text(absent: "</w>") is { Length: > 0 } given ? given : throw at["suffix"].Fault("must not be empty");
                makers.Add(() => new WordEndDecoding(suffix));
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
