namespace Agora.Cli.Serving;

/// <summary>Lets so many requests in; the next is told to come back, so that a crowd makes the server slow for nobody and large for nobody.</summary>
internal sealed class RequestGate(int capacity)
{
    private int inside;

    public int Capacity => capacity;

    public int Inside => Volatile.Read(ref inside);

    /// <exception cref="ApiFault">429: full.</exception>
    public Pass Enter()
    {
        if (Interlocked.Increment(ref inside) <= capacity)
            return new Pass(this);
        Interlocked.Decrement(ref inside);
        throw new ApiFault(429, $"the server has {capacity} requests already; try again", null, "rate_limit_exceeded");
    }

    public sealed class Pass(RequestGate gate) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
                Interlocked.Decrement(ref gate.inside);
        }
    }
}
