namespace Agora.Students.Training;

/// <summary>Tells a training that has run away from one that is noisy.</summary>
/// <remarks>
/// Single losses say little: batches differ, and one hard batch is no fault. So there are two questions. Is the mean of the last ten losses more than one nat (a factor
/// of e in perplexity) above the lowest such mean so far, or above the first loss while there is none? If so, are the documents of that earlier step, computed again, more than one nat worse than
/// they were? Their loss has no noise of sampling. Training ends when the answer is yes twice, ten steps apart, so that a spike which heals does no harm.
/// </remarks>
internal sealed class RisingLoss
{
    public const int Window = 10;
    public const double MarginNats = 1;
    private const int Confirmations = 2;

    private readonly Queue<double> last = new();

    /// <param name="MeanNats">Lowest mean of ten losses in a row; the first loss until there are ten.</param>
    /// <param name="Step">The last of those ten, from 0.</param>
    /// <param name="LossNats">Of that step.</param>
    /// <param name="NextCheck">Before this step nothing is computed again.</param>
    internal readonly record struct State(double MeanNats, int Step, double LossNats, int NextCheck, int Confirmed);

    public State Reference { get; private set; }

    /// <summary>Mean of the last ten losses, or of as many as there are.</summary>
    public double MeanNats => last.Average();

    /// <param name="losses">Of all steps so far, where a training goes on; <paramref name="state"/> is what <see cref="Reference"/> was then.</param>
    public void Restore(IEnumerable<double> losses, State state)
    {
        last.Clear();
        foreach (var loss in losses.TakeLast(Window))
            last.Enqueue(loss);
        Reference = state;
    }

    /// <param name="step">From 0.</param>
    /// <param name="again">The loss of an earlier step's documents under the present weights.</param>
    /// <returns>Whether training should end.</returns>
    public bool Add(int step, double loss, Func<int, double> again)
    {
        last.Enqueue(loss);
        if (last.Count > Window)
            last.Dequeue();
        if (step == 0)
            Reference = new State(loss, 0, loss, 0, 0);
        if (last.Count < Window || step == 0)
            return false;
        var mean = MeanNats;
        if (mean <= Reference.MeanNats + MarginNats)
        {
            if (mean < Reference.MeanNats)
                Reference = new State(mean, step, loss, 0, 0);
            else
                Reference = Reference with { Confirmed = 0 };
            return false;
        }
        if (step < Reference.NextCheck)
            return false;
        var confirmed = again(Reference.Step) is var now && now > Reference.LossNats + MarginNats ? Reference.Confirmed + 1 : 0;
        Reference = Reference with { Confirmed = confirmed, NextCheck = step + Window };
        return confirmed >= Confirmations;
    }
}
