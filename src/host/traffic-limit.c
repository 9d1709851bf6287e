/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>

#include "rtnetlink.h"
#include "string-util.h"
#include "traffic-limit.h"

/* The same tree as libvirt makes: what is sent goes through one class of a token bucket with a fair queue below it; what is
 * received is policed. */
#define ROOT TC_H_MAKE(1U << 16, 0U)
#define CLASS TC_H_MAKE(1U << 16, 1U)
#define FAIR_QUEUE TC_H_MAKE(2U << 16, 0U)
#define INGRESS TC_H_MAKE(0xffffU << 16, 0U)
#define PERTURB_SECONDS 10
/* A packet of an ordinary network. */
#define BURST_MIN 1600U
/* The largest packet that comes out of a guest at once. */
#define POLICE_MTU 65536U
/* A bucket is measured in the time that it takes to fill it, in units of 64 ns. */
#define TICK_NSEC 64U
#define RATE_TABLE_SIZE 256U

static uint32_t bucket(uint64_t rate, uint64_t size) {
        __uint128_t ticks = (__uint128_t) size * 1000000000U / rate / TICK_NSEC;

        return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t) ticks;
}

static struct tc_ratespec rate_spec(uint64_t rate) {
        return (struct tc_ratespec) { .rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t) rate, .linklayer = TC_LINKLAYER_ETHERNET };
}

static struct tcmsg *begin(NetlinkRequest *m, uint16_t type, uint16_t flags, unsigned ifindex, uint32_t parent, uint32_t handle) {
        struct tcmsg *msg = netlink_begin(m, type, flags, sizeof(*msg));

        *msg = (struct tcmsg) { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int) ifindex, .tcm_parent = parent, .tcm_handle = handle };
        return msg;
}

#define NEW (NLM_F_CREATE | NLM_F_EXCL)

/* --- what is sent --- */

static int add_root(unsigned ifindex, char **ret_reason) {
        const struct tc_htb_glob global = { .version = TC_HTB_PROTOVER, .rate2quantum = 10, .defcls = TC_H_MIN(CLASS) };
        NetlinkRequest m;

        begin(&m, RTM_NEWQDISC, NEW, ifindex, TC_H_ROOT, ROOT);
        netlink_add_string(&m, TCA_KIND, "htb");
        size_t options = netlink_open(&m, TCA_OPTIONS);
        netlink_add(&m, TCA_HTB_INIT, &global, sizeof(global));
        netlink_close(&m, options);
        return netlink_send(&m, ret_reason);
}

static int add_class(unsigned ifindex, const TrafficLimit *l, char **ret_reason) {
        uint64_t ceil = l->peak > 0 ? l->peak : l->rate, burst = MAX(l->burst, BURST_MIN);
        const struct tc_htb_opt class = {
                .rate = rate_spec(l->rate), .ceil = rate_spec(ceil), .buffer = bucket(l->rate, burst), .cbuffer = bucket(ceil, BURST_MIN),
        };
        NetlinkRequest m;

        begin(&m, RTM_NEWTCLASS, NEW, ifindex, ROOT, CLASS);
        netlink_add_string(&m, TCA_KIND, "htb");
        size_t options = netlink_open(&m, TCA_OPTIONS);
        netlink_add(&m, TCA_HTB_PARMS, &class, sizeof(class));
        if (l->rate > UINT32_MAX)
                netlink_add(&m, TCA_HTB_RATE64, &l->rate, sizeof(l->rate));
        if (ceil > UINT32_MAX)
                netlink_add(&m, TCA_HTB_CEIL64, &ceil, sizeof(ceil));
        netlink_close(&m, options);
        return netlink_send(&m, ret_reason);
}

/* Fairness between connections, not the limit: a kernel without it has a plain queue there. */
static int add_fair_queue(unsigned ifindex) {
        const struct tc_sfq_qopt fair = { .perturb_period = PERTURB_SECONDS };
        NetlinkRequest m;

        begin(&m, RTM_NEWQDISC, NEW, ifindex, CLASS, FAIR_QUEUE);
        netlink_add_string(&m, TCA_KIND, "sfq");
        netlink_add(&m, TCA_OPTIONS, &fair, sizeof(fair));
        int r = netlink_send(&m, NULL);
        return r == -ENOENT ? 0 : r;
}

static int limit_sent(unsigned ifindex, const TrafficLimit *l, char **ret_reason) {
        int r = add_root(ifindex, ret_reason);

        if (r >= 0)
                r = add_class(ifindex, l, ret_reason);
        return r < 0 ? r : add_fair_queue(ifindex);
}

/* --- what is received --- */

static int add_ingress(unsigned ifindex, char **ret_reason) {
        NetlinkRequest m;

        begin(&m, RTM_NEWQDISC, NEW, ifindex, TC_H_INGRESS, INGRESS);
        netlink_add_string(&m, TCA_KIND, "ingress");
        return netlink_send(&m, ret_reason);
}

/* The kernel counts by the rate alone, but wants the old table as well: how long a packet of each size takes. */
static void add_police(NetlinkRequest *m, const TrafficLimit *l) {
        struct tc_police police = {
                .action = TC_POLICE_SHOT, .mtu = POLICE_MTU, .rate = rate_spec(l->rate), .burst = bucket(l->rate, l->burst > 0 ? l->burst : l->rate),
        };
        uint32_t table[RATE_TABLE_SIZE];

        police.rate.cell_align = -1;
        for (police.rate.cell_log = 1; POLICE_MTU >> police.rate.cell_log >= RATE_TABLE_SIZE;)
                police.rate.cell_log++;
        for (uint32_t i = 0; i < RATE_TABLE_SIZE; i++)
                table[i] = bucket(l->rate, (uint64_t) (i + 1) << police.rate.cell_log);
        size_t nest = netlink_open(m, TCA_U32_POLICE);
        netlink_add(m, TCA_POLICE_TBF, &police, sizeof(police));
        netlink_add(m, TCA_POLICE_RATE, table, sizeof(table));
        if (l->rate > UINT32_MAX)
                netlink_add(m, TCA_POLICE_RATE64, &l->rate, sizeof(l->rate));
        netlink_close(m, nest);
}

/* One key whose mask lets every packet match. */
static int add_filter(unsigned ifindex, const TrafficLimit *l, char **ret_reason) {
        struct {
                struct tc_u32_sel sel;
                struct tc_u32_key key;
        } match = { .sel = { .flags = TC_U32_TERMINAL, .nkeys = 1 } };
        NetlinkRequest m;

        struct tcmsg *msg = begin(&m, RTM_NEWTFILTER, NEW, ifindex, INGRESS, 0);
        msg->tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL));
        netlink_add_string(&m, TCA_KIND, "u32");
        size_t options = netlink_open(&m, TCA_OPTIONS);
        netlink_add_u32(&m, TCA_U32_CLASSID, 1);
        netlink_add(&m, TCA_U32_SEL, &match, sizeof(match));
        add_police(&m, l);
        netlink_close(&m, options);
        return netlink_send(&m, ret_reason);
}

static int limit_received(unsigned ifindex, const TrafficLimit *l, char **ret_reason) {
        int r = add_ingress(ifindex, ret_reason);

        return r < 0 ? r : add_filter(ifindex, l, ret_reason);
}

/* --- both --- */

int traffic_limit_set(unsigned ifindex, const TrafficLimit *sent, const TrafficLimit *received, char **ret_reason) {
        int r = 0;

        if (sent->rate > 0)
                r = limit_sent(ifindex, sent, ret_reason);
        if (r >= 0 && received->rate > 0)
                r = limit_received(ifindex, received, ret_reason);
        return r;
}

int traffic_limit_clear(unsigned ifindex) {
        const uint32_t parents[] = { TC_H_ROOT, TC_H_INGRESS };
        int ret = 0;

        for (size_t i = 0; i < ELEMENTSOF(parents); i++) {
                NetlinkRequest m;
                begin(&m, RTM_DELQDISC, 0, ifindex, parents[i], 0);
                int r = netlink_send(&m, NULL);
                if (r < 0 && !(r == -ENOENT || r == -EINVAL || r == -ENODEV))
                        ret = r;
        }
        return ret;
}
