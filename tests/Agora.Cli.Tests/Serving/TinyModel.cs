using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;

namespace Agora.Tests.Serving;

/// <summary>A complete model folder with random weights: what it says means nothing, and how it says it is all that matters.</summary>
internal static class TinyModel
{
    public const int Context = 256;

    /// <param name="context">Long ones make answers that take as long as a test needs.</param>
    public static string Write(string folder, int context = Context)
    {
        var tokenizer = BytePairTrainer.Train(Enumerable.Repeat("Three apples and two pears are five fruits. What is 3 + 2?", 3), 320, TrainedTokenizer.ChatTokens);
        tokenizer.Save(folder, context);
        var config = new TransformerConfig
        {
            VocabularySize = tokenizer.VocabularySize,
            HiddenSize = 32,
            IntermediateSize = 64,
            Layers = 2,
            Heads = 2,
            KeyValueHeads = 1,
            HeadSize = 16,
            MaxPositions = context,
            TieEmbeddings = true,
            AttentionWindows = [null, null],
            EndOfSequenceIds = [],
        };
        var random = new Random(42);
        CheckpointWriter.SaveNew(config, folder, [.. config.Tensors().Select(tensor =>
        {
            var values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
            for (var i = 0; i < values.Length; i++)
                values[i] = tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : (float)(0.3 * (random.NextDouble() - 0.5));
            return TensorToSave.Of(tensor.Name, tensor.Shape, FloatType.F32, values);
        })]);
        return folder;
    }
}
