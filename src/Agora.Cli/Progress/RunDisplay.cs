using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>Chooses how a run is shown: live on a terminal, plain lines elsewhere.</summary>
internal static class RunDisplay
{
    /// <param name="budget">What the run spends, for the figures beside its progress.</param>
    public static async Task<T> ShowAsync<T>(Budget budget, Func<IRunObserver, Task<T>> work)
    {
        if (!Terminal.IsLive)
            return await work(new PlainDisplay(Console.Error, TimeProvider.System, budget));
        var live = new LiveDisplay(Terminal.Error, TimeProvider.System, budget);
        return await live.ShowAsync(Task.Run(() => work(live)));
    }
}
