using System.Globalization;
using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>The dollars of a whole experiment: what was spent, what requests in flight may still cost, and the limit that both together never pass.</summary>
/// <remarks>Safe for use from many threads. Without a limit it only counts.</remarks>
public sealed class Budget
{
    private readonly Lock gate = new();
    private readonly LinkedList<(decimal Most, TaskCompletionSource Turn)> waiting = [];
    private decimal? limit;
    private decimal spent;
    private decimal reserved;
    private decimal inBatches;
    private bool reached;

    /// <param name="limitDollars">Null where there is none.</param>
    /// <param name="spentDollars">What earlier processes of the experiment spent.</param>
    /// <param name="inBatchesDollars">The most that batches may still cost which earlier processes sent off.</param>
    public void Begin(decimal? limitDollars, decimal spentDollars, decimal inBatchesDollars = 0)
    {
        lock (gate) (limit, spent, inBatches, reached) = (limitDollars, spentDollars, inBatchesDollars, false);
    }

    public BudgetState State
    {
        get { lock (gate) return new BudgetState(spent, reserved + inBatches, limit); }
    }

    /// <summary>Sets aside what a request may cost at most; waits while requests in flight could make room for it.</summary>
    /// <param name="most">US dollars; null where no price is known, which only happens without a limit.</param>
    /// <exception cref="AgoraException">The limit is reached, with exit code 3.</exception>
    public async ValueTask<BudgetReservation> ReserveAsync(decimal? most, CancellationToken cancellationToken)
    {
        if (most is not { } amount) return default;
        TaskCompletionSource turn;
        LinkedListNode<(decimal, TaskCompletionSource)> node;
        lock (gate)
        {
            if (waiting.Count == 0 && Fits(amount)) return Take(amount);
            if (reached || reserved == 0) throw Reached(amount);
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            node = waiting.AddLast((amount, turn));
        }
        try
        {
            await turn.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (gate)
            {
                if (node.List is not null) waiting.Remove(node);
                else if (turn.Task.IsCompletedSuccessfully) reserved -= amount;     // it was let in at this very moment
                Pump();
            }
            throw;
        }
        return new BudgetReservation(this, amount);
    }

    /// <summary>Takes over a request that an earlier process sent off in a batch, or meant to: what was set aside for it is counted with the others from now on.</summary>
    /// <param name="most">As <see cref="ReserveAsync"/>.</param>
    public BudgetReservation TakeOver(decimal? most)
    {
        if (most is not { } amount) return default;
        lock (gate)
        {
            inBatches = Math.Max(0, inBatches - amount);
            return Take(amount);
        }
    }

    internal void Settle(decimal most, decimal actual)
    {
        lock (gate)
        {
            reserved -= most;
            spent += actual;
            Pump();
        }
    }

    private bool Fits(decimal amount) => !reached && (limit is not { } most || spent + reserved + inBatches + amount <= most);

    private BudgetReservation Take(decimal amount)
    {
        reserved += amount;
        return new BudgetReservation(this, amount);
    }

    private void Pump()
    {
        while (waiting.First is { Value: var (amount, turn) } next)
        {
            if (Fits(amount))
            {
                waiting.RemoveFirst();
                reserved += amount;
                turn.SetResult();
            }
            else if (reached || reserved == 0)
            {
                waiting.RemoveFirst();
                turn.SetException(Reached(amount));
            }
            else
            {
                return;
            }
        }
    }

    // Once one request does not fit, none does: a run that ends with whichever requests happen to be small would be hard to understand.
    private AgoraException Reached(decimal amount)
    {
        reached = true;
        return new AgoraException(
            string.Create(CultureInfo.InvariantCulture, $"the budget of ${limit:0.00####} is used up: ${spent:0.00####} are spent, and the next request may cost up to ${amount:0.00####}"),
            "budget.limitDollars", "raise the limit and give the same command again: nothing that is paid for is asked again")
        { ExitCode = 3 };
    }
}

/// <param name="Spent">US dollars, those of earlier processes of the experiment included.</param>
/// <param name="Reserved">The most that requests in flight may cost.</param>
/// <param name="Limit">Null where there is none.</param>
public readonly record struct BudgetState(decimal Spent, decimal Reserved, decimal? Limit)
{
    public decimal? Remaining => Limit - Spent - Reserved;
}

/// <summary>Dollars that are set aside for one request; settled once.</summary>
public readonly struct BudgetReservation
{
    private readonly Budget? budget;

    internal BudgetReservation(Budget budget, decimal most) => (this.budget, Most) = (budget, most);

    public decimal Most { get; }

    public void Settle(decimal actual) => budget?.Settle(Most, actual);
}
