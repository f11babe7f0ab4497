using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>Chooses how a run is shown: live on a terminal, plain lines elsewhere.</summary>
internal static class RunDisplay
{
    public static async Task<T> ShowAsync<T>(Func<IRunObserver, Task<T>> work)
    {
        if (!Terminal.IsLive)
            return await work(new PlainDisplay(Console.Error, TimeProvider.System));
        var live = new LiveDisplay(Terminal.Error, TimeProvider.System);
        return await live.ShowAsync(Task.Run(() => work(live)));
    }
}
