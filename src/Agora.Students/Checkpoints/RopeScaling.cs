namespace Agora.Students.Checkpoints;

/// <summary>Llama 3's stretching of rotary frequencies to longer contexts, <c>rope_type: llama3</c>.</summary>
/// <param name="Factor">Slow frequencies are divided by it.</param>
/// <param name="LowFrequencyFactor">Frequencies that turn fewer times than this within the original context are slow.</param>
/// <param name="HighFrequencyFactor">Those that turn more often than this are kept; between the two the result is interpolated.</param>
/// <param name="OriginalContext">Tokens of context before the stretching.</param>
public sealed record RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext)
{
    /// <param name="frequency">Radians per position.</param>
    public double Apply(double frequency)
    {
        var turns = OriginalContext * frequency / (2 * Math.PI);
        if (turns > HighFrequencyFactor)
            return frequency;
        if (turns < LowFrequencyFactor)
            return frequency / Factor;
        var kept = (turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - kept) * frequency / Factor + kept * frequency;
    }
}
