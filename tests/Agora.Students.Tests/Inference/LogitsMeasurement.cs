using Agora.Students.Inference;

namespace Agora.Tests.Inference;

/// <summary>Logits at every position, through the same steps as any other sequence.</summary>
internal sealed class LogitsMeasurement(int[] tokens) : Measurement<float[][]>(tokens)
{
    private readonly List<float[]> logits = [];

    public override int ReusablePositions => 0;

    public override int ShareablePositions => 0;

    public override RowResult Wants(int position) => RowResult.Head;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution)
    {
        logits.Add(row.ToArray());
        return position == Length - 1 && Finish([.. logits]);
    }

    public static Task<float[][]> Of(InferenceEngine engine, int[] tokens)
    {
        var measurement = new LogitsMeasurement(tokens);
        engine.Enqueue(measurement, CancellationToken.None);
        return measurement.Result;
    }
}
