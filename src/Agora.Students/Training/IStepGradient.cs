using TorchSharp;

namespace Agora.Students.Training;

/// <summary>Computes the loss of a step's documents and its gradient.</summary>
internal interface IStepGradient : IDisposable
{
    /// <returns>The mean cross-entropy over the documents' targets in nats; 0 where there is none.</returns>
    double Compute(IReadOnlyList<TrainingDocument> documents);

    /// <summary>The same loss without a gradient; leaves <see cref="Sum"/> as it is.</summary>
    double Loss(IReadOnlyList<TrainingDocument> documents);

    /// <summary>float32 [P]: the gradient of what was last computed, laid out as the weights. Owned by this object; the caller may change it.</summary>
    torch.Tensor Sum { get; }
}
