#include "viewer/widgets/SeriesLook.h"

#include "viewer/widgets/ShownSeries.h"

namespace hf {

SeriesLook lookOf(const ShownSeries& shown)
{
    SeriesLook look;
    if (!shown.isEmpty() && !(shown.window == shown.presentedWindow())) {
        look.window = shown.window;
    }
    look.inverted = shown.inverted;
    look.isShutterOpen = shown.isShutterOpen;
    look.slab = shown.slab;
    look.turn = shown.turn;
    look.presentation = shown.presentation;
    look.isSubtracted = shown.isSubtracted;
    look.maskSlice = shown.maskSlice;
    return look;
}

SeriesLook withChange(SeriesLook look, const SeriesLook& from, const SeriesLook& to)
{
    const auto take = [&](auto... parts) { ((look.*parts = from.*parts == to.*parts ? look.*parts : to.*parts), ...); };
    take(&SeriesLook::window, &SeriesLook::inverted, &SeriesLook::isShutterOpen, &SeriesLook::slab, &SeriesLook::turn, &SeriesLook::presentation, &SeriesLook::isSubtracted, &SeriesLook::maskSlice);
    return look;
}

} // namespace hf
