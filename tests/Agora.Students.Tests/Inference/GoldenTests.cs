using System.Text.Json;
using Agora.Students.Inference;

namespace Agora.Tests.Inference;

/// <summary>The engine against numbers of the reference implementation, in the tolerances that come with them.</summary>
public sealed class GoldenTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly TemporaryFolder scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Logits_are_those_of_the_reference_wherever_the_padding_was()
    {
        foreach (var golden in GoldenCases.OfKind(".forward"))
        {
            foreach (var @case in golden.Cases)
            {
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 1);
                var expected = golden.Tensor(@case.GetProperty("logits_tensor").GetString()!);
                var places = GoldenCases.Matrix(@case.GetProperty("logits_at"));
                var argmax = @case.GetProperty("argmax");
                var vocabulary = engine.Config.VocabularySize;
                foreach (var (row, (tokens, columns)) in GoldenCases.Rows(@case).Index())
                {
                    var logits = await LogitsMeasurement.Of(engine, tokens);
                    for (var i = 0; i < places.Length; i++)
                    {
                        if (places[i][0] == row)
                            AssertClose(expected.AsSpan(i * vocabulary, vocabulary), logits[Array.IndexOf(columns, places[i][1])]);
                    }
                    for (var i = 0; i < columns.Length; i++)
                    {
                        if (argmax[row][columns[i]] is { ValueKind: JsonValueKind.Number } best)
                            Assert.Equal(best.GetInt32(), TokenDistribution.Best(logits[i]));
                    }
                }
            }
        }
    }

    [Fact]
    public async Task Losses_of_padded_rows_are_those_of_the_reference()
    {
        foreach (var golden in GoldenCases.OfKind(".forward"))
        {
            foreach (var @case in golden.Cases)
            {
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 1);
                foreach (var (row, (tokens, columns)) in GoldenCases.Rows(@case).Index())
                {
                    var losses = await engine.TokenLossesAsync(tokens, 1, TestContext.Current.CancellationToken);
                    var expected = columns[..^1].Select(column => @case.GetProperty("token_nll")[row][column].GetSingle()).ToArray();
                    AssertClose(expected, losses);
                }
            }
        }
    }

    [Fact]
    public async Task Losses_and_perplexity_of_texts_are_those_of_the_reference()
    {
        foreach (var golden in GoldenCases.OfKind(".nll"))
        {
            foreach (var @case in golden.Cases)
            {
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 1);
                var tokens = engine.Tokenizer.Encode(@case.GetProperty("text").GetString()!, addSpecialTokens: true);
                Assert.Equal(GoldenCases.Ints(@case.GetProperty("input_ids")), tokens);
                var losses = await engine.TokenLossesAsync(tokens, 1, TestContext.Current.CancellationToken);
                AssertClose([.. @case.GetProperty("token_nll").EnumerateArray().Select(value => value.GetSingle())], losses);
                var perplexity = @case.GetProperty("perplexity").GetDouble();
                Assert.Equal(1, Math.Exp(losses.Average(loss => (double)loss)) / perplexity, Tolerance);
            }
        }
    }

    [Fact]
    public async Task Greedy_answers_are_those_of_the_reference_alone_and_in_a_batch()
    {
        foreach (var golden in GoldenCases.OfKind(".greedy"))
        {
            foreach (var @case in golden.Cases)
            {
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 2);
                var ends = @case.GetProperty("eos_token_id");
                var parameters = new SamplingParameters
                {
                    Temperature = 0,
                    MaxTokens = @case.GetProperty("max_new_tokens").GetInt32(),
                    EndTokens = ends.ValueKind switch
                    {
                        JsonValueKind.Array => [.. GoldenCases.Ints(ends)],
                        JsonValueKind.Number => [ends.GetInt32()],
                        _ => [],
                    },
                };
                var answers = await Task.WhenAll(GoldenCases.Rows(@case).Select(row => engine.CompleteAsync(row.Tokens, parameters, TestContext.Current.CancellationToken)));
                for (var row = 0; row < answers.Length; row++)
                {
                    var length = @case.GetProperty("generated_length")[row].GetInt32();
                    Assert.Equal(GoldenCases.Ints(@case.GetProperty("new_tokens")[row])[..length], answers[row].Tokens);
                    Assert.Equal(length < parameters.MaxTokens ? CompletionEnd.Stop : CompletionEnd.Length, answers[row].End);
                    Assert.Equal(@case.GetProperty("generated_text")[row].GetString(), engine.Tokenizer.Decode([.. answers[row].Tokens], skipSpecialTokens: false));
                }
            }
        }
    }

    [Fact]
    public async Task Rewards_are_those_of_the_reference_wherever_the_padding_was()
    {
        foreach (var golden in GoldenCases.OfKind(".reward"))
        {
            foreach (var @case in golden.Cases)
            {
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 1);
                var scores = await Task.WhenAll(GoldenCases.Rows(@case).Select(row => engine.ScoreAsync(row.Tokens, TestContext.Current.CancellationToken)));
                AssertClose([.. @case.GetProperty("scores").EnumerateArray().Select(value => value.GetSingle())], scores);
            }
        }
    }

    [Fact]
    public async Task An_embedding_is_the_mean_of_the_references_last_hidden_states()
    {
        var seen = 0;
        foreach (var golden in GoldenCases.OfKind(".forward"))
        {
            foreach (var @case in golden.Cases)
            {
                if (!@case.TryGetProperty("hidden_state_tensors", out var names) || names.ValueKind != JsonValueKind.Array)
                    continue;
                using var engine = InferenceEngine.Load(golden.FolderOf(@case, scratch), threads: 1);
                var states = golden.Tensor(names[names.GetArrayLength() - 1].GetString()!).Chunk(engine.Config.HiddenSize).ToArray();
                var (tokens, _) = Assert.Single(GoldenCases.Rows(@case));
                Assert.Equal(tokens.Length, states.Length);
                var embedding = await engine.EmbedAsync(tokens, TestContext.Current.CancellationToken);
                AssertClose([.. Enumerable.Range(0, embedding.Length).Select(i => states.Average(state => state[i]))], embedding);
                seen++;
            }
        }
        Assert.NotEqual(0, seen);
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance);
    }
}
