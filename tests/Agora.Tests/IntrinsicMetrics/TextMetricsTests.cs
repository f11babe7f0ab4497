using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class TextMetricsTests
{
    [Fact]
    public void Words_are_runs_of_letters_and_digits_and_signs_by_themselves() => Assert.Equal(["f", "(", "x1", ")", "=", "2"], NormalizedWords.Of("F(x1)\n = 2", everySign: true));

    // "a b a b": words a, b, a, b; pairs ab, ba, ab.
    [Fact]
    public void Distinct_shares_are_counted_by_hand()
    {
        string[][] texts = [["a", "b", "a", "b"]];
        Assert.Equal(0.5, DistinctRuns.Share(texts, 1));
        Assert.Equal(2.0 / 3, DistinctRuns.Share(texts, 2));
        Assert.Null(DistinctRuns.Share(texts, 5));
    }

    [Fact]
    public void A_set_that_repeats_one_text_has_self_bleu_1() => Assert.All(SelfBleu.Scores([.. Enumerable.Repeat(NormalizedWords.Of("one two three four five"), 4)]), score => Assert.Equal(1, score, 1e-12));

    // Clipping by the greatest count of all other texts is what the definition says of each text and all the rest.
    [Fact]
    public void Self_bleu_in_linear_time_is_that_of_the_definition()
    {
        var random = new RandomStreams(3).For("texts");
        string[][] texts = [.. Enumerable.Range(0, 25).Select(_ => Enumerable.Range(0, 4 + random.Next(9)).Select(_ => $"{(char)('a' + random.Next(4))}").ToArray())];
        Assert.Equal(texts.Select((text, place) => Bleu(text, [.. texts.Where((_, other) => other != place)])), SelfBleu.Scores(texts), (one, other) => Math.Abs(one - other) < 1e-12);
    }

    private static double Bleu(string[] text, string[][] references)
    {
        var logarithm = 0.0;
        for (var length = 1; length <= 4; length++)
        {
            var matched = WordRuns.Of(text, length).CountBy(run => run).Sum(entry => Math.Min(entry.Value, references.Max(reference => WordRuns.Of(reference, length).Count(run => run == entry.Key))));
            logarithm += Math.Log((matched == 0 ? 0.1 : matched) / Math.Max(1, text.Length - length + 1)) / 4;
        }
        var nearest = references.Select(reference => reference.Length).OrderBy(length => Math.Abs(length - text.Length)).ThenBy(length => length).First();
        return Math.Exp(logarithm + Math.Min(0, 1 - (double)nearest / text.Length));
    }
}
