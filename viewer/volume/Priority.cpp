#include "viewer/volume/Priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hf {

void giveWay(int nicer)
{
    // Linux keeps the priority for each thread; not being allowed to change it does no harm.
    const auto thread = id_t(syscall(SYS_gettid));
    [[maybe_unused]] const int ignored = setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nicer);
}

} // namespace hf
