using System.Numerics;

namespace Agora.LanguageModels;

/// <summary>How many requests may be in flight: more while they succeed, fewer when the endpoint has too many.</summary>
/// <remarks>
/// Additive increase, multiplicative decrease, with a fast start: until the first cut each success adds three, so that the number quadruples with every round of answers;
/// afterwards it grows by one per round. A cut answers only to requests that were sent after the one before it: the rest of a burst says nothing new.
/// "Too many requests" cuts by three tenths. So does any other fault where more than one in ten of the latest answers were faults. Fewer of them, which some endpoints have on any day, cut by one in twenty, and a round of
/// successes makes that good: cut as if they were load, one in sixteen would hold the number down to two or three.
/// Slowness counts per length of answers, because a judge's word and an essay take different times at the same load.
/// Not safe for use from several threads: <see cref="EndpointPace"/> holds its lock.
/// </remarks>
/// <param name="most">The experiment's maxParallel.</param>
internal sealed class AdaptiveConcurrency(int most)
{
    private const double AfterOverload = 0.7;
    private const double TolerableFaults = 0.1;
    private const double WeightOfOne = 0.04;
    private const double AfterSlowness = 0.9;
    private const double AfterFault = 0.95;
    private const double LeastEase = 0.5;
    private const double Start = 0.25;
    private const double SlowFactor = 5;
    private const int AnswersToJudgeSpeed = 20;

    private readonly Pace[] paces = new Pace[64];
    private double limit = Math.Min(most, Math.Max(32, Start * most));
    private double ease = 1;    // what single faults leave of the limit
    private bool quickly = true;
    private TimeSpan lastCut = TimeSpan.MinValue, lastEase = TimeSpan.MinValue;
    private double faults;      // share of the latest answers, each of which fades as others come

    public int Limit => Math.Max(1, (int)(limit * ease));

    /// <param name="wasFull">Whether as many were in flight as allowed: growing without need would only forget what was learned.</param>
    public void Succeeded(TimeSpan sent, TimeSpan now, long outputTokens, bool wasFull)
    {
        faults -= WeightOfOne * faults;
        if (IsSlow(outputTokens, now - sent))
        {
            Cut(AfterSlowness, sent, now);
            return;
        }
        ease = Math.Min(1, ease + (1 - AfterFault) / Limit);
        if (wasFull) limit = Math.Min(most, limit + (quickly ? 3 : 1 / limit));
    }

    public void Overloaded(TimeSpan sent, TimeSpan now) => Cut(AfterOverload, sent, now);

    /// <summary>A fault that may be this one request's own.</summary>
    public void Failed(TimeSpan sent, TimeSpan now)
    {
        faults += WeightOfOne * (1 - faults);
        if (faults > TolerableFaults) Cut(AfterOverload, sent, now);
        else if (sent >= lastEase) (ease, lastEase) = (Math.Max(LeastEase, AfterFault * ease), now);
    }

    /// <summary>After a pause: begin again with one, and grow quickly.</summary>
    public void StartOver() => (limit, ease, quickly) = (1, 1, true);

    private void Cut(double factor, TimeSpan sent, TimeSpan now)
    {
        if (sent < lastCut) return;
        (limit, quickly, lastCut) = (Math.Max(1, limit * factor), false, now);
    }

    private bool IsSlow(long outputTokens, TimeSpan took)
    {
        ref var pace = ref paces[BitOperations.Log2((ulong)Math.Max(1, outputTokens))];
        var seconds = took.TotalSeconds;
        pace.Recent = pace.Answers == 0 ? seconds : 0.9 * pace.Recent + 0.1 * seconds;
        pace.Answers++;
        if (pace.Answers < AnswersToJudgeSpeed) return false;
        // The best that was seen, which is slowly forgotten: endpoints become slower for good, too.
        pace.Best = pace.Best == 0 ? pace.Recent : Math.Min(pace.Recent, pace.Best * 1.0005);
        return pace.Recent > SlowFactor * pace.Best;
    }

    private struct Pace
    {
        public double Recent, Best;
        public int Answers;
    }
}
