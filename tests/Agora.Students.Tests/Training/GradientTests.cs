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
    [MemberData(nameof(Variants))]
    public void The_fused_gradient_is_that_of_autograd(string variant)
    {
        var config = Models[variant] with { InitializerRange = 0.4 };
        using var model = TransformerModel.Initialise(config, new RandomStreams(5).For("initial weights"));
        using var oracle = new AutogradGradient(model, threads: 1);
        using var fused = new LanedGradient(model, threads: 2);
        var random = new RandomStreams(6).For("documents");
        // Lengths around the sizes of blocks and vectors, and one of a single token.
        TrainingDocument[] documents = [.. new[] { 1, 2, 15, 16, 17, 31, 33, 70 }.Select(length => new TrainingDocument(
            [.. Enumerable.Range(0, length).Select(_ => random.Next(config.VocabularySize))], length % 2 == 0 ? null : [.. Enumerable.Range(0, length).Select(i => i % 3 != 1)]))];

        Assert.Equal(oracle.Compute(documents), fused.Compute(documents), 1e-5);
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
        using var fused = new LanedGradient(model, threads: 2);
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
        using var fused = new LanedGradient(model, threads: 1);
        Gen.Int[0, 10].Array[2, 40].Array[1, 12].Sample(tokens =>
        {
            TrainingDocument[] documents = [.. tokens.Select(ids => new TrainingDocument(ids))];
            var apart = documents.Sum(document => document.TargetCount * fused.Compute([document])) / documents.Sum(document => document.TargetCount);
            return Math.Abs(apart - fused.Compute(documents)) < 1e-5 && Math.Abs(apart - oracle.Compute(documents)) < 1e-5;
        }, threads: 1, iter: 30);
    }
}
