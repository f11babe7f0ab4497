namespace Agora.Students.Training;

/// <summary>Cosines and sines of the rotary angles at every position up to a length, in float32.</summary>
/// <param name="frequencies">Radians per position of each rotated pair.</param>
internal sealed class RotaryTable(float[] frequencies, int positions)
{
    private readonly float[] cosines = Tabulate(frequencies, positions, MathF.Cos);
    private readonly float[] sines = Tabulate(frequencies, positions, MathF.Sin);

    public int Positions => positions;

    /// <returns>[D / 2].</returns>
    public ReadOnlySpan<float> Cosines(int position) => cosines.AsSpan(position * frequencies.Length, frequencies.Length);

    public ReadOnlySpan<float> Sines(int position) => sines.AsSpan(position * frequencies.Length, frequencies.Length);

    private static float[] Tabulate(float[] frequencies, int positions, Func<float, float> function)
    {
        var table = new float[positions * frequencies.Length];
        for (var i = 0; i < table.Length; i++)
            table[i] = function(i / frequencies.Length * frequencies[i % frequencies.Length]);
        return table;
    }
}
