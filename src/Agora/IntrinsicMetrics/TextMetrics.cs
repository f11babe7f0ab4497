using System.Text;
using Agora.DataGeneration;
using Agora.DataGeneration.Filters;
using Agora.Experiments;

namespace Agora.IntrinsicMetrics;

/// <summary>What texts alone tell of a data set: lengths, repetition, duplicates, scripts, cost, themes, contamination.</summary>
/// <param name="testSets">What training data must not hold; null: not looked for.</param>
internal sealed class TextMetrics(MetricIntervals intervals, TestSetIndex? testSets)
{
    private static readonly NearDuplicateSpec Near = new();

    /// <param name="all">The whole data set, in which duplicates are looked for: a part of it would hold fewer.</param>
    /// <param name="places">Of the instances that are measured.</param>
    public void Measure(IReadOnlyList<MeasuredInstance> all, int[] places, MetricColumns metrics)
    {
        MeasuredInstance[] instances = [.. places.Select(place => all[place])];
        string[][] instructions = [.. instances.Select(instance => NormalizedWords.Of(instance.Instruction, everySign: true))];
        string[][] responses = [.. instances.Select(instance => NormalizedWords.Of(instance.Response, everySign: true))];
        metrics.Add("instruction_words", [.. instructions.Select(words => (double?)words.Length)]);
        metrics.Add("response_words", [.. responses.Select(words => (double?)words.Length)]);
        Repetition("instruction", instructions, metrics);
        Repetition("response", responses, metrics);
        Duplicates(all, places, metrics);
        WrittenLanguage?[] languages = [.. instances.AsParallel().AsOrdered().Select(instance => TextLanguages.Of($"{instance.Instruction}\n{instance.Response}"))];
        metrics.Add("in_english", [.. languages.Select(language => language is { } told ? (double?)(told == WrittenLanguage.English ? 1 : 0) : null)], place => languages[place] is null ? "too little prose to tell the language" : null);
        int[] written = [.. languages.OfType<WrittenLanguage>().Select(language => (int)language)];
        if (written.Length > 0)
            metrics.Add(intervals.OfSet("effective_languages", written.Length, languages.Length - written.Length, among => EffectiveNumber.Of([.. among.CountBy(place => written[place]).Select(entry => entry.Value)])));
        metrics.Add("letters_not_latin", [.. instances.Select(instance => NotLatin(instance.Instruction + instance.Response))]);
        if (instances.Any(instance => instance.OutputTokens > 0))
            metrics.Add("output_tokens", [.. instances.Select(instance => instance.OutputTokens > 0 ? (double?)instance.OutputTokens : null)]);
        if (instances.Any(instance => instance.Dollars is not null))
            metrics.Add("dollars", [.. instances.Select(instance => (double?)instance.Dollars)]);
        string[] themes = [.. instances.Select(instance => instance.Theme).OfType<string>()];
        if (themes.Length > 0)
            metrics.Add(intervals.OfSet("effective_themes", themes.Length, instances.Length - themes.Length,
                among => EffectiveNumber.Of([.. among.CountBy(place => themes[place]).Select(entry => entry.Value)])));
        if (testSets is not null)
            metrics.Add("contaminated", [.. instances.AsParallel().AsOrdered().Select(instance => (double?)(testSets.Find(new InstructionResponse(instance.Instruction, instance.Response)) is null ? 0 : 1))]);
    }

    private void Repetition(string what, string[][] texts, MetricColumns metrics)
    {
        foreach (var length in (int[])[1, 2, 3])
            metrics.Add(intervals.OfSize($"{what}_distinct_{length}", texts.Length, 0, among => DistinctRuns.Share(among.Select(place => texts[place]), length)));
        metrics.Add(intervals.OfSize($"{what}_self_bleu", texts.Length, 0, among => SelfBleu.Scores([.. among.Select(place => texts[place])]) is { Length: > 0 } scores ? scores.Average() : null));
    }

    private void Duplicates(IReadOnlyList<MeasuredInstance> all, int[] places, MetricColumns metrics)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        double?[] exact = [.. all.Select(instance => (double?)(seen.Add(string.Join(' ', NormalizedWords.Of(instance.Instruction, everySign: true))) ? 0 : 1))];
        metrics.Add(intervals.Mean("duplicate_instructions", exact));
        metrics.Keep("duplicate_instructions", [.. places.Select(place => exact[place])]);

        var index = new MinHashIndex(Near.Threshold, Near.Shingle);
        ShingledText[] shingled = [.. all.AsParallel().AsOrdered().Select(instance => index.Read(instance.Instruction))];
        double?[] near = [.. shingled.Select(text =>
        {
            var found = index.Find(text) is not null;
            index.Add(text);
            return (double?)(found ? 1 : 0);
        })];
        metrics.Add(intervals.Mean("near_duplicate_instructions", near));
        metrics.Keep("near_duplicate_instructions", [.. places.Select(place => near[place])]);
    }

    private static double? NotLatin(string text)
    {
        var (letters, latin) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!Rune.IsLetter(rune))
                continue;
            letters++;
            if (WritingScripts.Of(rune) == WritingScript.Latin)
                latin++;
        }
        return letters == 0 ? null : (double)(letters - latin) / letters;
    }
}
