namespace Agora.Benchmarks.Judged;

/// <summary>Which of AlpacaEval's two outputs the judge sees first.</summary>
internal static class SlotOrder
{
    /// <summary>Whether the model's output takes the first slot, which is the baseline's otherwise.</summary>
    /// <remarks>
    /// The published order: it depends on the instruction alone, so that every model meets the judge in the same positions, and position bias does not average out within an
    /// instruction.
    /// </remarks>
    public static bool ModelFirst(string instruction) => Draw(instruction) >= 0.5;

    internal static double Draw(string instruction) => MersenneTwister.OfPythonText($"is_switched_outputs{instruction}0").NextDouble();
}
