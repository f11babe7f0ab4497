using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using Agora.Tests.Checkpoints;
using CsCheck;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

/// <summary>The written-out backward pass against torch's own differentiation of the same model.</summary>
[Collection("torch")]
public sealed class GradientTests
{
    public static TheoryData<string> Variants => [.. Models.Keys];

    public static TheoryData<string, bool> VariantsWithAndWithoutSharing => new(Models.Keys.SelectMany(variant => new[] { (variant, false), (variant, true) }));

    private static Dictionary<string, TransformerConfig> Models { get; } = new()
    {
        ["tied, grouped heads"] = CheckpointFolderTests.Tiny,
        ["untied"] = CheckpointFolderTests.Tiny with { TieEmbeddings = false },
        ["biases everywhere"] = CheckpointFolderTests.Tiny with { QueryKeyValueBias = true, AttentionOutputBias = true, FeedForwardBias = true },
        ["norms of query and key"] = CheckpointFolderTests.Tiny with { QueryKeyNorm = true },
        ["sliding window"] = CheckpointFolderTests.Tiny with { AttentionWindows = [5, null] },
        ["odd sizes"] = CheckpointFolderTests.Tiny with { HiddenSize = 18, IntermediateSize = 21, Heads = 3, KeyValueHeads = 3, HeadSize = 18, InitializerRange = 0.3 },
    };

    [Theory]
    [MemberData(nameof(VariantsWithAndWithoutSharing))]
    public void The_fused_gradient_is_that_of_autograd(string variant, bool sharing)
    {
        var config = Models[variant] with { InitializerRange = 0.4 };
        using var model = TransformerModel.Initialise(config, new RandomStreams(5).For("initial weights"));
        using var oracle = new AutogradGradient(model, threads: 1);
        using var fused = new LanedGradient(model, threads: 2, sharing);
        var random = new RandomStreams(6).For("documents");
        // Lengths around the sizes of blocks and vectors, and one of a single token.
        TrainingDocument[] documents = [.. new[] { 1, 2, 15, 16, 17, 31, 33, 70 }.Select(length => new TrainingDocument(
            [.. Enumerable.Range(0, length).Select(_ => random.Next(config.VocabularySize))], length % 2 == 0 ? null : [.. Enumerable.Range(0, length).Select(i => i % 3 != 1)]))];
        AssertSame(oracle, fused, model, documents);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Documents_that_begin_alike_have_the_gradient_of_autograd(string variant)
    {
        var config = Models[variant] with { InitializerRange = 0.4 };
        using var model = TransformerModel.Initialise(config, new RandomStreams(5).For("initial weights"));
        using var oracle = new AutogradGradient(model, threads: 1);
        using var fused = new LanedGradient(model, threads: 2, sharing: true);
        var random = new RandomStreams(7).For("documents");
        int[] Some(int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(config.VocabularySize))];
        int[] system = Some(19), question = [.. system, .. Some(9)], twin = [.. question, .. Some(33)];
        TrainingDocument Asked(int[] tokens, int from) => new(tokens, [.. tokens.Select((_, i) => i >= from)]);
        AssertSame(oracle, fused, model,
        [
            Asked([.. system, .. Some(12)], 25), Asked(twin, 40), Asked([.. question, .. Some(40)], 30), Asked([.. system, .. Some(70)], 60),
            Asked(twin, 28), Asked(twin, 40), Asked(question, 20), Asked(system, 19), new(system), new([.. system[..3], .. Some(5)]), new(Some(8)), new([]), new([3]),
        ]);
    }

    // Trees of every shape: few tokens, so that most documents share something.
    [Fact]
    public void Shared_beginnings_change_no_loss_and_no_gradient()
    {
        using var model = TransformerModel.Initialise(CheckpointFolderTests.Tiny with { InitializerRange = 0.4 }, new RandomStreams(5).For("initial weights"));
        using var apart = new LanedGradient(model, threads: 1, sharing: false);
        using var shared = new LanedGradient(model, threads: 1, sharing: true);
        Gen.Select(Gen.Int[0, 2], Gen.Bool).Array[0, 12].Array[1, 40].Sample(tokens =>
        {
            TrainingDocument[] documents = [.. tokens.Select(document => new TrainingDocument([.. document.Select(token => token.Item1)], [.. document.Select(token => token.Item2)]))];
            using var scope = NewDisposeScope();
            var (expected, actual) = (apart.Compute(documents), shared.Compute(documents));
            return Math.Abs(expected - actual) < 1e-5 && Math.Abs(expected - shared.Loss(documents)) < 1e-5
                && (shared.Sum - apart.Sum).norm().item<float>() <= 1e-4 * Math.Max(apart.Sum.norm().item<float>(), 1e-3);
        }, threads: 1, iter: 200);
    }

    [Fact]
    public void Rows_are_as_many_as_different_beginnings()
    {
        Gen.Int[0, 2].Array[0, 8].Array[1, 30].Sample(documents =>
        {
            var rows = DocumentRows.Of([.. documents.Select(tokens => new TrainingDocument(tokens))], sharing: true);
            return rows.Count == documents.SelectMany(tokens => Enumerable.Range(1, tokens.Length).Select(length => string.Join(' ', tokens[..length]))).Distinct().Count()
                && rows.TargetTokens.Sum(following => following.Length) == documents.Sum(tokens => Math.Max(tokens.Length - 1, 0));
        }, threads: 1, iter: 300);
    }

    private static void AssertSame(AutogradGradient oracle, LanedGradient fused, TransformerModel model, TrainingDocument[] documents)
    {
        Assert.Equal(oracle.Compute(documents), fused.Compute(documents), 1e-5);
        Assert.Equal(oracle.Loss(documents), fused.Loss(documents), 1e-5);
        using var scope = NewDisposeScope();
        foreach (var piece in model.Layout.Pieces)
        {
            Tensor expected = oracle.Sum.narrow(0, piece.Offset, piece.Elements), actual = fused.Sum.narrow(0, piece.Offset, piece.Elements);
            var error = (actual - expected).norm().item<float>() / Math.Max(expected.norm().item<float>(), 1e-6);
            Assert.True(error < 1e-4, $"{piece.Name}: relative error {error}");
        }
    }

    [Fact]
    public void The_fused_gradient_of_a_model_with_our_own_products_is_that_of_autograd()
    {
        var config = CheckpointFolderTests.Tiny with { VocabularySize = 1000, HiddenSize = 250, IntermediateSize = 700, Heads = 5, KeyValueHeads = 5, HeadSize = 50, QueryKeyValueBias = true, TieEmbeddings = false };
        Assert.True(config.Parameters >= FusedBackpropagation.SmallestWithOwnProducts);
        using var model = TransformerModel.Initialise(config with { InitializerRange = 0.1 }, new RandomStreams(5).For("initial weights"));
        using var oracle = new AutogradGradient(model, threads: 1);
        using var fused = new LanedGradient(model, threads: 2, sharing: false);
        var random = new RandomStreams(6).For("documents");
        TrainingDocument[] documents = [.. new[] { 3, 17, 64, 290 }.Select(length => new TrainingDocument([.. Enumerable.Range(0, length).Select(_ => random.Next(config.VocabularySize))]))];
        Assert.Equal(oracle.Compute(documents), fused.Compute(documents), 1e-4);
        using var scope = NewDisposeScope();
        Assert.True((fused.Sum - oracle.Sum).norm().item<float>() < 1e-4 * oracle.Sum.norm().item<float>());
    }

    // Packing is bookkeeping: what stands beside a document must not change its loss.
    [Fact]
    public void The_loss_of_documents_is_the_mean_of_their_own_losses_weighted_by_tokens()
    {
        using var model = TransformerModel.Initialise(CheckpointFolderTests.Tiny, new RandomStreams(5).For("initial weights"));
        using var oracle = new AutogradGradient(model, threads: 1);
        using var fused = new LanedGradient(model, threads: 1, sharing: true);
        Gen.Int[0, 10].Array[2, 40].Array[1, 12].Sample(tokens =>
        {
            TrainingDocument[] documents = [.. tokens.Select(ids => new TrainingDocument(ids))];
            var apart = documents.Sum(document => document.TargetCount * fused.Compute([document])) / documents.Sum(document => document.TargetCount);
            return Math.Abs(apart - fused.Compute(documents)) < 1e-5 && Math.Abs(apart - oracle.Compute(documents)) < 1e-5;
        }, threads: 1, iter: 30);
    }
}
