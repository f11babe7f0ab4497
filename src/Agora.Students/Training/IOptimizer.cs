using TorchSharp;

namespace Agora.Students.Training;

/// <summary>Changes the trained vector by a gradient.</summary>
internal interface IOptimizer : IDisposable
{
    /// <summary>Updates so far; set where a training goes on.</summary>
    int Steps { get; set; }

    /// <summary>What has to be kept for a training to go on, besides <see cref="Steps"/>; this object's.</summary>
    IEnumerable<(string Name, torch.Tensor Values)> State { get; }

    /// <param name="gradient">As long as the trained vector, and of its type.</param>
    void Step(torch.Tensor gradient, double learningRate);
}
