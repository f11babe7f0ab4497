using Agora.Experiments;

namespace Agora.Students.Training;

/// <summary>Which documents each step learns from, decided before the first one.</summary>
internal static class TrainingPlan
{
    /// <summary>For each epoch its own order, packed and cut into steps of <paramref name="sequencesPerStep"/> sequences; an epoch's last step may be smaller.</summary>
    public static List<(int Epoch, List<TrainingDocument> Documents)> Make(
        IReadOnlyList<TrainingDocument> documents, int epochs, int maxLength, Packing packing, int sequencesPerStep, RandomStreams random)
    {
        var steps = new List<(int, List<TrainingDocument>)>();
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var shuffled = documents.ToArray();
            random.For("order of training documents", epoch).Shuffle<TrainingDocument>(shuffled);
            foreach (var sequences in SequencePacker.Pack(shuffled, maxLength, packing).Chunk(sequencesPerStep))
                steps.Add((epoch, [.. sequences.SelectMany(sequence => sequence)]));
        }
        return steps;
    }
}
