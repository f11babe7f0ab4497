using Agora.Experiments;

namespace Agora.LanguageModels.Batches;

/// <summary>How many requests of one step may wait for answers at the same time.</summary>
internal static class Waiting
{
    // The most that any provider takes into one batch.
    private const int MostInBatches = 100_000;

    /// <summary>For batches all that can be asked at once is; online the endpoint's pace holds back what is too much, but it need not all be rendered before.</summary>
    public static int AtOnce(ModelSpec model) =>
        model.Mode != RequestMode.Online && ProviderCapabilities.Of(model).HasFlag(ModelCapabilities.Batch) ? MostInBatches : model.MaxParallel;
}
