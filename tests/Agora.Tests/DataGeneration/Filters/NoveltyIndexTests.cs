using System.Globalization;
using System.Text;
using Agora.DataGeneration.Filters;
using CsCheck;

namespace Agora.Tests.DataGeneration.Filters;

public sealed class NoveltyIndexTests
{
    [Fact]
    public void The_bit_parallel_length_is_the_plain_programme_s() =>
        Gen.Select(Words(5, 200), Words(5, 200)).Sample((one, other) =>
        {
            var subsequence = new CommonSubsequence();
            subsequence.Set(one, vocabulary: 5);
            return subsequence.With(other) == PlainLength(one, other);
        });

    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(128)]
    public void Blocks_of_words_hand_their_carries_on(int length)
    {
        var same = Enumerable.Repeat(0, length).ToArray();
        var subsequence = new CommonSubsequence();
        subsequence.Set(same, vocabulary: 1);
        Assert.Equal(length, subsequence.With(same));
    }

    // One object meets many texts: what an earlier one left behind must not show.
    [Fact]
    public void Texts_that_were_set_before_leave_nothing_behind() =>
        Words(6, 150).Array[2, 6].Sample(texts =>
        {
            var subsequence = new CommonSubsequence();
            return texts.All(one =>
            {
                subsequence.Set(one, vocabulary: 6);
                return texts.All(other => subsequence.With(other) == PlainLength(one, other));
            });
        }, iter: 100);

    [Fact]
    public void F_is_the_scorer_s_formula_and_symmetric() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 60]).Sample((m, n) =>
            Enumerable.Range(0, Math.Min(m, n) + 1).All(common =>
                RougeL.F(common, m, n) == RougeL.F(common, n, m) && Math.Abs(RougeL.F(common, m, n) - 2.0 * common / (m + n)) < 1e-12));

    [Fact]
    public void The_length_needed_is_the_first_that_reaches_the_threshold() =>
        Gen.Select(Gen.Int[1, 80], Gen.Int[1, 80], Gen.Int[1, 100]).Sample((m, n, percent) =>
        {
            var first = Enumerable.Range(1, Math.Min(m, n)).FirstOrDefault(common => RougeL.F(common, m, n) >= percent / 100.0, int.MaxValue);
            var needed = RougeL.Needed(m, n, percent / 100.0);
            return first == int.MaxValue ? needed > Math.Min(m, n) : needed == first;
        });

    [Fact]
    public void Verdicts_are_those_of_comparing_with_every_text_in_turn() =>
        Gen.Select(Texts, Texts, Gen.Int[1, 100]).Sample((kept, asked, percent) =>
        {
            var index = new NoveltyIndex(percent / 100.0);
            foreach (var text in kept) index.Add(index.Read(text));
            return asked.All(text => index.Find(index.Read(text)) == PlainVerdict(text, kept, percent / 100.0, from: 0));
        }, iter: 300);

    [Fact]
    public void Texts_before_a_number_can_be_left_out() =>
        Gen.Select(Texts, Texts, Gen.Int[0, 12]).Sample((kept, asked, from) =>
        {
            var index = new NoveltyIndex(0.5);
            foreach (var text in kept) index.Add(index.Read(text));
            return asked.All(text => index.Find(index.Read(text), from) == PlainVerdict(text, kept, 0.5, from));
        }, iter: 100);

    [Fact]
    public void An_F_of_exactly_the_threshold_is_similar()
    {
        var index = new NoveltyIndex(0.7);
        index.Add(index.Read("a b c d e f g h i j"));
        Assert.Equal(0.7, index.Find(index.Read("a b c d e f g x y z"))!.Value.F, 12);
        Assert.Null(index.Find(index.Read("a b c d e f w x y z")));
    }

    [Fact]
    public void A_text_without_words_is_like_no_other()
    {
        var index = new NoveltyIndex(0.01);
        index.Add(index.Read("…"));
        Assert.Null(index.Find(index.Read("…")));
    }

    // The expected words are what the Python tokenizer's rules give: lower(), every run outside [a-z0-9] a blank.
    [Theory]
    [InlineData("It's 3.5% of Łódź!", "it s 3 5 of d")]
    [InlineData("\u212aelvin \u0130stanbul", "kelvin i stanbul")]
    [InlineData("ﬁrst straße naïve", "rst stra e na ve")]
    [InlineData("a_b\tc\nd", "a b c d")]
    [InlineData("", "")]
    public void Words_are_read_as_the_scorer_reads_them(string text, string words) => Assert.Equal(words, string.Join(' ', RougeWords.Of(text)));

    [Fact]
    public async Task Any_text_has_the_words_that_python_reads()
    {
        var texts = Gen.String[Gen.Char['\u0001', '\uffff'].Where(c => !char.IsSurrogate(c)), 0, 40].Array[400].Single();
        const string script = "import json,re,sys\nfor line in sys.stdin:\n print(json.dumps([w for w in re.split(r'\\s+', re.sub(r'[^a-z0-9]+', ' ', json.loads(line).lower())) if w]))";
        var input = new StringBuilder();
        foreach (var text in texts) input.Append(System.Text.Json.JsonSerializer.Serialize(text)).Append('\n');
        var output = await PythonProcess.RunAsync(script, input.ToString(), TestContext.Current.CancellationToken);
        var expected = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.Json.JsonSerializer.Deserialize<string[]>(line)!).ToArray();
        Assert.Equal(texts.Length, expected.Length);
        foreach (var (text, words) in texts.Zip(expected)) Assert.Equal(words, RougeWords.Of(text));
    }

    private static readonly Gen<string[]> Texts = Gen.Int[0, 7].Array[0, 30].Select(words => string.Join(' ', words.Select(word => word.ToString(CultureInfo.InvariantCulture)))).Array[0, 14];

    private static Gen<int[]> Words(int vocabulary, int most) => Gen.Int[0, vocabulary - 1].Array[0, most];

    private static SimilarText? PlainVerdict(string text, string[] kept, double threshold, int from)
    {
        for (var i = from; i < kept.Length; i++)
        {
            var (one, other) = (RougeWords.Of(text), RougeWords.Of(kept[i]));
            var f = RougeL.F(PlainLength(one, other), one.Count, other.Count);
            if (f >= threshold) return new SimilarText(i, f);
        }
        return null;
    }

    private static int PlainLength<T>(IReadOnlyList<T> one, IReadOnlyList<T> other)
    {
        var table = new int[one.Count + 1, other.Count + 1];
        for (var i = 1; i <= one.Count; i++)
            for (var j = 1; j <= other.Count; j++)
                table[i, j] = Equals(one[i - 1], other[j - 1]) ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
        return table[one.Count, other.Count];
    }
}
