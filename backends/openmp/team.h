/* How large a team may be: libgomp ends the process when it cannot create a
 * thread, so whether the threads can be had is tried out before it is asked. */
#ifndef FW_OPENMP_TEAM_H
#define FW_OPENMP_TEAM_H

/* The members of a team that can be had of `asked`, >= 1: threads of the calling
 * thread's last team count as possible; further ones are made, all at the same
 * time, and taken away. Call before each region. Any thread. */
int fw_team_possible(int asked);

#endif
