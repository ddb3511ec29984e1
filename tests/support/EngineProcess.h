#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace hf::test {

/// Starts HF_ENGINE with these words. @param inChild  redirects the child's streams, before the engine takes over.
inline pid_t startEngine(std::vector<std::string> words, const std::function<void()>& inChild)
{
    words.insert(words.begin(), HF_ENGINE);
    const pid_t child = fork();
    if (child == 0) {
        inChild();
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        execv(HF_ENGINE, arguments.data());
        _exit(127);
    }
    return child;
}

/// Waits for its end. @return the exit code; -1 when a signal ended it.
inline int exitCode(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace hf::test
